/** The demo's recordings raise the story's alerts, and nothing above low for those who only do their work. */
import { beforeAll, describe, expect, test } from 'vitest';
import { AlertGraph } from '../../detect/incidents/alert-graph.ts';
import { DEFAULT_LIMITS, nodeOf } from '../../detect/incidents/judge-edge.ts';
import { emptyRarity } from '../../detect/incidents/rarity.ts';
import type { Alert } from '../../platform/core/alert.ts';
import { LEVELS } from '../../platform/core/names.ts';
import { type PlayedStory, playRecordings } from './play-recordings.ts';

const CALL_OUT = '82.118.225.196';

/** Recording → `level title × alerts`. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'trivy/hmi-gateway.json': [
    'critical Container With A Known Critical Flaw Acts Like One That Was Taken × 1',
    'high Credential Left In An Image × 1',
    'high Image Holds A Flaw That Is Exploited From The Network × 2',
    'low Image Holds A High Flaw Without A Fix × 1',
    'low Image Runs As Root × 1',
    'medium Image Holds A Flaw That Is Exploited To Gain Rights × 1',
    'medium Image Holds A Flaw That Runs Foreign Code × 4',
    'medium Image Holds Critical Flaws That Have A Fix × 1',
    'medium Image Stands On A System Without Security Updates × 1',
    'medium Image With Many Critical Flaws × 1',
  ],
  'kubernetes-audit.ndjson': [
    'critical Pod That Takes Over Its Node × 1',
    'high Cluster Admin Role Given Away × 1',
    'high One Account Reads Many Kubernetes Secrets × 1',
    'high Privileged Container Created × 1',
    'high Secrets Of The Whole Cluster Listed × 1',
    'high Sensitive Path Of The Node Mounted Into A Pod × 1',
    'high Service Account Opened A Session In A Pod × 2',
    'high Token Of A System Account Issued × 1',
    'high Workload Asked For A Token Of Another Service Account × 1',
    'low Image From A Public Registry × 1',
    'low Role Gives Every Right On Secrets × 1',
    'medium Anonymous Request For Objects Refused × 1',
    'medium Change Of Cluster Rights Refused × 1',
    'medium Cluster Events Deleted × 1',
    'medium Kubernetes API Asked With A Download Tool × 2',
    'medium One Account Is Refused Three Kinds Of Kubernetes Objects × 1',
    'medium Pod Placed On A Node Past The Scheduler × 1',
    'medium Pod Shares A Namespace Of Its Node × 1',
    'medium Service Account Listed Its Own Rights × 1',
    'medium Service Account Listed The Secrets Of A Namespace × 2',
    'medium Service Account Made In The System Namespace × 1',
  ],
  'flows/ipfix.ndjson': ['low Industrial Protocol From An Unlisted Master × 2'],
  'falco.ndjson': [
    'critical Program Run That Was Not In The Image × 2',
    'high Container Connects To An Unexpected Public Address × 1',
    'high Program Run From A Folder In Memory Or A Hidden One × 2',
    'high Shell Started By A Server Program In A Container × 1',
    'high Standard Streams Of A Process Joined To A Connection × 2',
    'medium Container Asks The Kubernetes API With A Command Line Tool × 1',
    'medium File Of Passwords Read In A Container × 1',
    'medium Log File Emptied × 1',
    'medium Raw Packet Socket In A Container × 1',
    'medium Search For Keys And Passwords In A Container × 1',
    'medium Terminal Shell In A Container × 1',
  ],
  'flows/netflow9.ndjson': [
    'high Directory Lookup On A Port Of JNDI Exploits × 1',
    'high One Host Tries Many Ports Of Another × 1',
    'low Screen Sharing Port Tried × 1',
    'low Telnet Connection Tried × 1',
    'low Windows Share Tried Without An Answer × 1',
    'medium Connection From Inside To A Public Address On An Unusual Port × 1',
    'medium Data Sent To A Port That Reverse Shells Use × 1',
  ],
  'windows.ndjson': [
    'critical Command Words Of Mimikatz × 1',
    'critical Zerologon Attack On A Domain Controller × 1',
    "medium LSA Key Of The Registry Read By A Program In A User's Folder × 1",
    'medium Process Opened By Code That Lies In No Module × 1',
    "medium Program From A User's Folder Speaks To Directory Services × 1",
  ],
  'flows/netflow5.ndjson': [
    'low Name Server Outside The Site Asked Directly × 1',
    'low Ping To A Public Address × 1',
    'medium Much Data In One DNS Conversation × 1',
  ],
  'windows-credential-dump.ndjson': [
    'high Credential Hive Of The Registry Saved To A File × 1',
    'high PowerShell Runs From An Encoded Hidden Command × 1',
  ],
  'windows-logon.ndjson': [
    'low User Logged On To A Domain Controller Over The Network × 1',
    "medium Program From A User's Folder Speaks To Directory Services × 2",
  ],
};

/** Who only does his work in the recordings: by account and, where an account was stolen, by its own address. */
const BENIGN: readonly { name?: string; address: string }[] = [
  { name: 'ci-deployer', address: '10.20.0.5' },
  { name: 'system:kube-controller-manager', address: '10.20.1.10' },
  { name: 'system:node:lyon-edge-01', address: '10.20.1.11' },
  { name: 'prometheus', address: '10.20.1.30' },
  { name: 'marie.durand', address: '10.20.0.21' },
  { address: '10.20.3.10' },
  { address: '10.20.3.21' },
];

let story: PlayedStory;
beforeAll(async () => {
  story = await playRecordings();
});

const above = (level: Alert['rule']['level']) => (alert: Alert) =>
  LEVELS.indexOf(alert.rule.level) > LEVELS.indexOf(level);
const namesCallOut = (alert: Alert): boolean => alert.entities.some(({ value }) => value === CALL_OUT);

function incidents(): Alert[][] {
  const graph = new AlertGraph({ limits: DEFAULT_LIMITS, rarity: emptyRarity() });
  for (const alert of story.alerts) graph.put(nodeOf(alert));
  return graph
    .components()
    .map(({ alerts }) => story.alerts.filter(({ id }) => alerts.has(id)))
    .sort((a, b) => b.length - a.length);
}

describe('the recordings of the demo', () => {
  test('no rule, correlation or record is refused', () => {
    expect(story.refused).toEqual([]);
    expect(story.events.size).toBe(1_156);
  });

  test('each recording raises its part of the story and nothing else', () => {
    const counts = new Map<string, Map<string, number>>();
    for (const { rule, events } of story.alerts) {
      const recording = story.events.get(events[0]?.id ?? '')?.recording ?? '';
      const title = `${rule.level} ${rule.name}`;
      const titles = counts.get(recording) ?? new Map<string, number>();
      counts.set(recording, titles.set(title, (titles.get(title) ?? 0) + 1));
    }
    const found = Object.fromEntries(
      [...counts].map(([recording, titles]) => [
        recording,
        [...titles].map(([title, count]) => `${title} × ${count}`).sort(),
      ]),
    );
    expect(found).toEqual(EXPECTED);
  });

  test('those who only do their work raise nothing above low', () => {
    const raised = story.alerts.filter(above('low')).flatMap(({ rule, events }) =>
      events.flatMap(({ id }) => {
        const { user, source } = (story.events.get(id)?.event ?? {}) as {
          user?: { name?: string };
          source?: { ip?: string };
        };
        const worker = BENIGN.find(
          ({ name, address }) => source?.ip === address && (name === undefined || user?.name === name),
        );
        return worker ? [`${rule.name}: ${worker.name ?? worker.address}`] : [];
      }),
    );
    expect(raised).toEqual([]);
  });

  test('no Windows host beside the attacked one and its controller raises an alert', () => {
    const hosts = new Set(
      story.alerts
        .flatMap(({ entities }) =>
          entities.filter(({ type, scope }) => type === 'host' && scope.startsWith('tenant:')),
        )
        .map(({ value }) => value),
    );
    expect([...hosts].sort()).toEqual(['mordordc.theshire.local', 'workstation5.theshire.local']);
  });

  test('alerts on the call-out name its public address as a global entity', () => {
    const naming = story.alerts.filter(namesCallOut).map(({ rule }) => rule.name);
    expect(naming).toEqual(
      expect.arrayContaining([
        'Container Connects To An Unexpected Public Address',
        'Connection From Inside To A Public Address On An Unusual Port',
      ]),
    );
    for (const alert of story.alerts.filter(namesCallOut))
      expect(alert.entities).toContainEqual({ type: 'address', scope: 'global', value: CALL_OUT });
  });

  test('scan, audit, runtime and flow alerts of Lyon are one incident, the Windows alerts of Shenzhen another', () => {
    const [lyon, shenzhen, ...rest] = incidents();
    expect(lyon?.length).toBe(61);
    expect(new Set(lyon?.map(({ site }) => site.id))).toEqual(new Set(['factory-lyon']));
    expect(lyon?.some(namesCallOut)).toBe(true);
    expect(new Set(lyon?.map(({ class: recordClass }) => recordClass))).toEqual(
      new Set(['vulnerability', 'control-plane-audit', 'runtime-alert', 'network-flow']),
    );
    expect(shenzhen?.length).toBe(12);
    expect(new Set(shenzhen?.map(({ site }) => site.id))).toEqual(new Set(['factory-shenzhen']));
    expect(rest.map((alerts) => alerts.map(({ rule }) => rule.name))).toEqual([
      ['Much Data In One DNS Conversation'],
    ]);
  });

  test('both sites reach critical, and every alert above low comes with a guide', () => {
    const critical = story.alerts.filter(({ rule }) => rule.level === 'critical');
    expect(new Set(critical.map(({ site }) => site.id))).toEqual(
      new Set(['factory-lyon', 'factory-shenzhen']),
    );
    const without = story.alerts
      .filter(above('low'))
      .filter(({ rule }) => rule.guide === undefined)
      .map(({ rule }) => rule.name);
    expect(without).toEqual([]);
  });
});
