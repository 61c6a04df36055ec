// What the lines of sshd, sudo, su and the account tools mean in ECS: a table by program, one pattern a kind of line.
import type { JsonObject } from '../../../platform/core/event.ts';
import { canonicalAddress } from '../../../platform/core/network.ts';

/** ECS fields of one line; `user`, `source` and the like are whole objects, and `event` is merged into the event's. */
export interface Interpretation {
  readonly event: JsonObject;
  readonly fields: JsonObject;
}

interface LinePattern {
  readonly pattern: RegExp;
  readonly read: (groups: Readonly<Record<string, string | undefined>>) => Interpretation;
}

type Outcome = 'success' | 'failure' | 'unknown';

// Every pattern is anchored and its parts cannot overlap, so that matching is linear in the line.
const PAM: readonly LinePattern[] = [
  {
    pattern:
      /^pam_\w{1,32}\((?<service>[^:)]{1,64}):auth\): authentication failure; logname=(?<logname>\S*) uid=(?<uid>\d*) euid=\d* tty=(?<tty>\S*) ruser=(?<ruser>\S*) rhost=(?<rhost>\S*)(?: {1,2}user=(?<user>\S*))?/,
    read: ({ user, ruser, rhost, service }) =>
      authentication({
        action: 'pam-authentication-failure',
        outcome: 'failure',
        type: 'info',
        user: user || ruser || undefined,
        address: rhost || undefined,
        service,
      }),
  },
  {
    pattern:
      /^pam_\w{1,32}\((?<service>[^:)]{1,64}):session\): session (?<what>opened|closed) for user (?<user>[^\s(]+)(?:\(uid=(?<uid>\d+)\))?/,
    read: ({ what, user, uid, service }) => ({
      event: {
        category: ['session'],
        type: [what === 'opened' ? 'start' : 'end'],
        action: what === 'opened' ? 'session-opened' : 'session-closed',
        outcome: 'success',
      },
      fields: {
        user: { name: user, ...(uid === undefined ? {} : { id: uid }) },
        related: { user: [user] },
        service: { name: service },
      },
    }),
  },
  {
    pattern: /^pam_\w{1,32}\(\S{1,64}:chauthtok\): password changed for (?<user>\S+)/,
    read: ({ user }) => account('changed-password', 'change', { name: user }),
  },
];

const SSHD: readonly LinePattern[] = [
  {
    pattern:
      /^(?<result>Accepted|Failed|Postponed) (?<method>\S+) for (?<invalid>invalid user )?(?<user>.*?) from (?<ip>[0-9A-Fa-f.:%\w-]+) port (?<port>\d{1,5})(?: ssh2)?(?: \[preauth\])?(?:: (?<key>\S+ \S+))?$/,
    read: ({ result, method, invalid, user, ip, port, key }) =>
      authentication({
        action: 'ssh_login',
        outcome: result === 'Accepted' ? 'success' : result === 'Failed' ? 'failure' : 'unknown',
        type: result === 'Postponed' ? 'info' : 'start',
        user,
        address: ip,
        port,
        ...(invalid === undefined ? {} : { reason: 'invalid user' }),
        extra: {
          system: { auth: { ssh: { method, ...(key === undefined ? {} : { signature: key }) } } },
        },
      }),
  },
  {
    pattern:
      /^(?:Invalid|Illegal) user (?<user>.*?) from (?<ip>[0-9A-Fa-f.:%\w-]+)(?: port (?<port>\d{1,5}))?$/,
    read: ({ user, ip, port }) =>
      authentication({
        action: 'ssh_invalid_user',
        outcome: 'failure',
        type: 'info',
        user,
        address: ip,
        port,
        reason: 'invalid user',
      }),
  },
  {
    pattern:
      /^error: maximum authentication attempts exceeded for (?:invalid user )?(?<user>.*?) from (?<ip>[0-9A-Fa-f.:%\w-]+) port (?<port>\d{1,5})/,
    read: ({ user, ip, port }) =>
      authentication({
        action: 'ssh_attempts_exceeded',
        outcome: 'failure',
        type: 'info',
        user,
        address: ip,
        port,
      }),
  },
  {
    pattern:
      /^(?:Connection (?:closed|reset) by|Disconnected from) (?:(?:authenticating|invalid) )?(?:user )?(?:(?<user>\S+) )?(?<ip>[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+) port (?<port>\d{1,5})(?<preauth> \[preauth\])?/,
    read: ({ user, ip, port, preauth }) => ({
      event: {
        category: ['session', 'network'],
        type: ['end'],
        action: preauth === undefined ? 'ssh_disconnected' : 'ssh_closed_before_authentication',
      },
      fields: peopleAndPlaces({ user, address: ip, port }),
    }),
  },
];

const SUDO: readonly LinePattern[] = [
  {
    // sudo writes `user : [reason ;] TTY=… ; PWD=… ; USER=… ; [ENV=… ;] COMMAND=…`.
    pattern: /^ *(?<user>\S+) : (?<middle>.*?)COMMAND=(?<command>.*)$/,
    read: ({ user, middle, command }) => {
      const parts = (middle ?? '').split(' ; ').filter((part) => part !== '');
      const named = new Map(
        parts
          .filter((part) => part.includes('='))
          .map((part) => [part.split('=')[0], part.slice(part.indexOf('=') + 1)]),
      );
      const reason = parts.find((part) => !part.includes('='));
      const target = named.get('USER')?.trim();
      const words = (command ?? '').split(' ');
      return {
        event: {
          category: ['process'],
          type: [reason === undefined ? 'start' : 'denied'],
          action: 'sudo-command',
          outcome: reason === undefined ? 'success' : 'failure',
          ...(reason === undefined ? {} : { reason }),
        },
        fields: {
          user: { name: user, ...(target === undefined ? {} : { effective: { name: target } }) },
          related: { user: [user, target].filter((name) => name !== undefined) },
          process: {
            command_line: command,
            executable: words[0],
            ...(named.has('PWD') ? { working_directory: named.get('PWD')?.trim() } : {}),
          },
          ...(named.has('TTY') ? { system: { auth: { sudo: { tty: named.get('TTY')?.trim() } } } } : {}),
        },
      };
    },
  },
];

const SU: readonly LinePattern[] = [
  {
    pattern: /^(?<failed>FAILED SU )?\(to (?<target>[^)\s]+)\) (?<user>\S+) on (?<tty>\S+)/,
    read: ({ failed, target, user }) => su(failed === undefined ? 'success' : 'failure', user, target),
  },
  {
    pattern: /^(?<result>Successful|FAILED) su for (?<target>\S+) by (?<user>\S+)/,
    read: ({ result, target, user }) => su(result === 'Successful' ? 'success' : 'failure', user, target),
  },
  {
    pattern: /^'su (?<target>\S+)' (?<result>failed|succeeded) for (?<user>\S+) on (?<tty>\S+)/,
    read: ({ result, target, user }) => su(result === 'succeeded' ? 'success' : 'failure', user, target),
  },
];

const ACCOUNTS: readonly LinePattern[] = [
  {
    pattern: /^new user: name=(?<user>[^,\s]+), UID=(?<uid>\d+)/,
    read: ({ user, uid }) => account('added-user-account', 'creation', { name: user, id: uid }),
  },
  {
    pattern: /^new group: name=(?<group>[^,\s]+), GID=(?<gid>\d+)/,
    read: ({ group, gid }) => ({
      event: {
        category: ['iam'],
        type: ['group', 'creation'],
        action: 'added-group-account',
        outcome: 'success',
      },
      fields: { group: { name: group, id: gid } },
    }),
  },
  {
    pattern: /^delete user '(?<user>[^']+)'/,
    read: ({ user }) => account('deleted-user-account', 'deletion', { name: user }),
  },
  {
    pattern: /^add '(?<user>[^']+)' to group '(?<group>[^']+)'/,
    read: ({ user, group }) => {
      const { event, fields } = account('added-user-to-group', 'change', { name: user });
      return { event, fields: { ...fields, group: { name: group } } };
    },
  },
];

const TABLE: ReadonlyMap<string, readonly LinePattern[]> = new Map([
  ['sshd', [...SSHD, ...PAM]],
  ['sshd-session', [...SSHD, ...PAM]],
  ['sudo', [...SUDO, ...PAM]],
  ['su', [...SU, ...PAM]],
  ['login', PAM],
  ['cron', PAM],
  ['CRON', PAM],
  ['systemd-logind', PAM],
  ['passwd', PAM],
  ['chpasswd', PAM],
  ['useradd', ACCOUNTS],
  ['userdel', ACCOUNTS],
  ['usermod', ACCOUNTS],
  ['groupadd', ACCOUNTS],
]);

/** Lines above this length are not the ones that the table knows. */
const LONGEST_LINE = 4_096;

/** True for the programs whose lines are about who logs in and as whom. */
export function isAuthenticationProgram(program: string | undefined): boolean {
  return program !== undefined && program !== 'cron' && program !== 'CRON' && TABLE.has(program);
}

/** What a line says, or undefined when the table does not know it. */
export function interpretProgram(program: string | undefined, message: string): Interpretation | undefined {
  const patterns = program === undefined ? undefined : TABLE.get(program);
  if (!patterns || message.length > LONGEST_LINE) return undefined;
  for (const { pattern, read } of patterns) {
    const groups = pattern.exec(message)?.groups;
    if (groups) return read(groups);
  }
  return undefined;
}

function authentication(options: {
  action: string;
  outcome: Outcome;
  type: 'start' | 'info';
  user: string | undefined;
  address?: string | undefined;
  port?: string | undefined;
  service?: string | undefined;
  reason?: string;
  extra?: JsonObject;
}): Interpretation {
  const { action, outcome, type, user, address, port, service, reason, extra } = options;
  return {
    event: {
      category: ['authentication'],
      type: [type],
      action,
      outcome,
      ...(reason === undefined ? {} : { reason }),
    },
    fields: {
      ...peopleAndPlaces({ user, address, port }),
      ...(service === undefined ? {} : { service: { name: service } }),
      ...extra,
    },
  };
}

function peopleAndPlaces(options: {
  user: string | undefined;
  address: string | undefined;
  port?: string | undefined;
}): JsonObject {
  const { user, address, port } = options;
  const ip = address === undefined ? undefined : canonicalAddress(address);
  const related = { ...(user ? { user: [user] } : {}), ...(ip === undefined ? {} : { ip: [ip] }) };
  return {
    ...(user ? { user: { name: user } } : {}),
    ...(address === undefined
      ? {}
      : {
          source: {
            ...(ip === undefined ? { domain: address } : { ip }),
            address,
            ...(port !== undefined && Number(port) <= 65_535 ? { port: Number(port) } : {}),
          },
        }),
    ...(Object.keys(related).length === 0 ? {} : { related }),
  };
}

function su(outcome: Outcome, user: string | undefined, target: string | undefined): Interpretation {
  return {
    event: { category: ['authentication'], type: ['start'], action: 'su', outcome },
    fields: {
      user: { name: user, effective: { name: target } },
      related: { user: [...new Set([user, target])] },
    },
  };
}

function account(
  action: string,
  type: 'creation' | 'deletion' | 'change',
  user: { name: string | undefined; id?: string | undefined },
): Interpretation {
  return {
    event: { category: ['iam'], type: ['user', type], action, outcome: 'success' },
    fields: {
      user: { target: { name: user.name, ...(user.id === undefined ? {} : { id: user.id }) } },
      related: { user: [user.name] },
    },
  };
}
