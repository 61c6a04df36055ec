// Makes events of the real mapped shape (Windows process and logon, Kubernetes audit, flows), fixed by a seed, fast enough to fill an index.
import type { IndexDocument } from '../platform/index/event-index.ts';

/** One event with the fields that engines under measurement keep as columns. */
export interface BenchEvent {
  readonly id: string;
  readonly time: number;
  readonly dataset: string;
  readonly host: string;
  readonly user: string;
  readonly source: string;
  readonly action: string;
  readonly body: string;
}

/** Starts on 2026-11-01 UTC; ten thousand events cover about 17 minutes at ten a second. */
export const BENCH_START = Date.UTC(2026, 10, 1);

const IMAGES = [
  'powershell.exe',
  'cmd.exe',
  'svchost.exe',
  'rundll32.exe',
  'explorer.exe',
  'chrome.exe',
  'wmiprvse.exe',
  'msiexec.exe',
];
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const RESOURCES = ['pods', 'secrets', 'configmaps', 'deployments', 'clusterrolebindings', 'serviceaccounts'];

/** The nth event of a seed; the same arguments always give the same event. `step_ms` is the mean distance of two events. */
export function makeBenchEvent(n: number, step_ms = 100): BenchEvent {
  // SplitMix-like mixing of the ordinal: independent of what was made before.
  let state = (n ^ 0x9e3779b9) >>> 0;
  const next = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  const time = BENCH_START + n * step_ms + next(1000);
  const stamp = new Date(time).toISOString();
  const id = `${n.toString(36).padStart(6, '0')}${next(0x7fffffff).toString(36).padStart(6, '0')}${next(0x7fffffff).toString(36).padStart(6, '0')}-${(n % 97).toString(36).padStart(2, '0')}`;
  const host = `ws-${next(300)}.corp.example`;
  const user = `user${next(2000)}`;
  const source = `10.${next(4)}.${next(256)}.${next(256)}`;
  const kind = next(10);
  const tail = (dataset: string, className: string): string =>
    `"picket":{"schema":1,"tenant":"acme","site":{"id":"plant-1","tier":"edge"},"jurisdiction":"eu-fr","class":"${className}","source":{"id":"${dataset}","type":"bench"},"time":"ok","received":"${stamp}"}}`;
  const head = (dataset: string, action: string, module: string): string =>
    `{"@timestamp":"${stamp}","ecs":{"version":"9.1.0"},"event":{"id":"${id}","kind":"event","module":"${module}","dataset":"${dataset}","action":"${action}"},`;
  if (kind < 5) {
    const image = IMAGES[next(IMAGES.length)] as string;
    const parent = IMAGES[next(IMAGES.length)] as string;
    const dataset = 'windows.sysmon';
    const action = 'process-creation';
    const script =
      next(100_000) === 7 ? 'Invoke-Mimikatz -DumpCreds' : `Get-Item C:\\\\data\\\\${next(50_000)}.txt`;
    const body = `${head(dataset, action, 'windows')}"host":{"name":"${host}","os":{"type":"windows"}},"user":{"name":"${user}","domain":"CORP"},"source":{"ip":"${source}"},"process":{"pid":${next(60000)},"name":"${image}","executable":"C:\\\\Windows\\\\System32\\\\${image}","command_line":"${image} -NoProfile -Command ${script}","entity_id":"{${next(0x7fffffff).toString(16)}-${next(65536).toString(16)}}","parent":{"name":"${parent}","pid":${next(60000)}}},"message":"Process Create: ${image} started by ${user} on ${host}, parent ${parent}",${tail(dataset, 'process')}`;
    return { id, time, dataset, host, user, source, action, body };
  }
  if (kind < 7) {
    const verb = VERBS[next(VERBS.length)] as string;
    const resource = RESOURCES[next(RESOURCES.length)] as string;
    const dataset = 'kubernetes.audit';
    const body = `${head(dataset, verb, 'kubernetes')}"host":{"name":"${host}"},"user":{"name":"system:serviceaccount:ns-${next(40)}:${user}"},"source":{"ip":"${source}"},"orchestrator":{"type":"kubernetes","cluster":{"name":"plant-1"},"namespace":"ns-${next(40)}","resource":{"type":"${resource}","name":"${resource}-${next(9000)}"}},"http":{"response":{"status_code":${next(20) === 0 ? 403 : 200}}},"url":{"path":"/api/v1/namespaces/ns-${next(40)}/${resource}"},"user_agent":{"original":"kubectl/v1.3${next(4)}.0 (linux/amd64)"},"message":"${verb} ${resource}",${tail(dataset, 'control-plane-audit')}`;
    return { id, time, dataset, host, user, source, action: verb, body };
  }
  const dataset = 'netflow.flow';
  const body = `${head(dataset, 'flow', 'netflow')}"host":{"name":"${host}"},"user":{"name":"${user}"},"source":{"ip":"${source}","port":${1024 + next(60000)},"bytes":${next(900000)},"packets":${next(900)}},"destination":{"ip":"${next(30) === 0 ? `203.0.113.${next(250)}` : `192.168.${next(20)}.${next(256)}`}","port":${[443, 80, 53, 22, 445, 3389][next(6)]}},"network":{"transport":"tcp","iana_number":"6","bytes":${next(900000)},"community_id":"1:${next(0x7fffffff).toString(36)}${next(0x7fffffff).toString(36)}="},${tail(dataset, 'network-flow')}`;
  return { id, time, dataset, host, user, source, action: 'flow', body };
}

/** The same as an IndexDocument of tenant `acme` in `eu-fr`. */
export function toIndexDocument(event: BenchEvent): IndexDocument {
  return {
    id: event.id,
    tenant: 'acme',
    dataset: event.dataset,
    jurisdiction: 'eu-fr',
    timestamp: new Date(event.time).toISOString(),
    time: 'ok',
    body: Buffer.from(event.body),
  };
}
