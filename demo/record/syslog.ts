/** Records demo/recordings/syslog*.log: messages of sshd, sudo and cron pass the real rsyslogd, which writes RFC 5424. */
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../../test/services/free-port.ts';
import { startRsyslog } from '../../test/services/rsyslog.ts';
import { waitUntil } from '../../test/services/wait-until.ts';
import { story } from './story.ts';

const recordings = join(import.meta.dirname, '..', 'recordings');

/** Facility authpriv (10) or cron (9) times eight, plus severity. */
const priority = { authInfo: 86, authNotice: 85, cronInfo: 78 } as const;

interface Message {
  priority: number;
  program: string;
  text: string;
}

const quiet = (user: string, from: string, process: number): Message[] => [
  {
    priority: priority.authInfo,
    program: `sshd[${process}]`,
    text: `Accepted publickey for ${user} from ${from} port 51822 ssh2: ED25519 SHA256:4XkJq0cLwYb1r0mQ7mYp9wqz2cQm0y1cZV8mJm0bq7E`,
  },
  {
    priority: priority.authInfo,
    program: `sshd[${process}]`,
    text: `pam_unix(sshd:session): session opened for user ${user}(uid=1001) by (uid=0)`,
  },
  {
    priority: priority.authNotice,
    program: `sudo[${process + 7}]`,
    text: `  ${user} : TTY=pts/0 ; PWD=/home/${user} ; USER=root ; COMMAND=/usr/bin/systemctl status nftables`,
  },
  {
    priority: priority.cronInfo,
    program: `CRON[${process + 20}]`,
    text: '(root) CMD (/usr/local/bin/backup-config)',
  },
];

const guessing = (from: string, process: number): Message[] =>
  ['admin', 'root', 'operator', 'root', 'pi', 'root'].flatMap((user, index) => [
    {
      priority: priority.authInfo,
      program: `sshd[${process + index}]`,
      text: `Failed password for ${user === 'root' ? '' : 'invalid user '}${user} from ${from} port ${41_000 + index * 2} ssh2`,
    },
  ]);

const lyon: readonly Message[] = [
  ...quiet('lucas', '10.20.0.21', 2211),
  ...guessing(story.podAddress, 2301),
  {
    priority: priority.authInfo,
    program: 'sshd[2310]',
    text: `Accepted password for maint from ${story.podAddress} port 41020 ssh2`,
  },
  {
    priority: priority.authNotice,
    program: 'sudo[2315]',
    text: '   maint : TTY=pts/1 ; PWD=/home/maint ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow',
  },
  {
    priority: priority.authNotice,
    program: 'sudo[2318]',
    text: `   maint : command not allowed ; TTY=pts/1 ; PWD=/home/maint ; USER=root ; COMMAND=/usr/sbin/nft flush ruleset`,
  },
];

const shenzhen: readonly Message[] = [
  ...quiet('wei.zhang', '172.18.38.20', 811),
  {
    priority: priority.authInfo,
    program: 'sshd[840]',
    text: `Failed password for ${story.windowsAccount} from ${story.windowsHost.address} port 50112 ssh2`,
  },
  {
    priority: priority.authInfo,
    program: 'sshd[842]',
    text: `Accepted password for ${story.windowsAccount} from ${story.windowsHost.address} port 50114 ssh2`,
  },
];

/** RFC 3164's time: without year or zone; rsyslogd runs in UTC here. */
function describeTime(at: Date): string {
  const [, day = '', month = '', , time = ''] = at.toUTCString().split(' ');
  return `${month} ${String(Number(day)).padStart(2, ' ')} ${time}`;
}

/** Sends the messages as RFC 3164 over TCP, a quarter of a second apart, and keeps what rsyslogd writes. */
async function recordHost(options: {
  file: string;
  host: string;
  messages: readonly Message[];
}): Promise<void> {
  const [port] = (await findFreePorts(1)) as [number];
  const target = join(recordings, options.file);
  await writeFile(target, '');
  const rsyslog = await startRsyslog({
    ready_port: port,
    config: `module(load="imtcp")
input(type="imtcp" port="${port}" address="127.0.0.1")
action(type="omfile" file="${target}" template="RSYSLOG_SyslogProtocol23Format" flushInterval="1" asyncWriting="off")`,
  });
  try {
    const socket = createConnection({ host: '127.0.0.1', port });
    for (const message of options.messages) {
      const time = describeTime(new Date());
      socket.write(`<${message.priority}>${time} ${options.host} ${message.program}: ${message.text}\n`);
      await sleep(250);
    }
    socket.end();
    await waitUntil({
      what: 'rsyslogd wrote every line',
      timeout_ms: 10_000,
      holds: async () =>
        (await readFile(target, 'utf8')).trimEnd().split('\n').length === options.messages.length,
    });
  } finally {
    await rsyslog.stop();
  }
}

if (import.meta.main) {
  await recordHost({ file: 'syslog.log', host: 'lyon-gw-01', messages: lyon });
  await recordHost({ file: 'syslog-shenzhen.log', host: 'shenzhen-gw-01', messages: shenzhen });
}
