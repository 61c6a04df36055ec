// ECS category, type and action of Windows events, as Winlogbeat's modules give them.
interface EventClass {
  readonly category: readonly string[];
  readonly type: readonly string[];
  readonly action: string;
}

function entry(category: string, type: string, action: string): EventClass {
  return { category: category.split(' '), type: type.split(' '), action };
}

/** By Sysmon event id (learn.microsoft.com/sysinternals/downloads/sysmon). */
const SYSMON: Readonly<Record<string, EventClass>> = {
  1: entry('process', 'start', 'Process creation'),
  2: entry('file', 'change', 'A process changed a file creation time'),
  3: entry('network', 'start connection protocol', 'Network connection'),
  4: entry('process', 'change', 'Sysmon service state changed'),
  5: entry('process', 'end', 'Process terminated'),
  6: entry('driver', 'start', 'Driver loaded'),
  7: entry('process library', 'change', 'Image loaded'),
  8: entry('process', 'change', 'CreateRemoteThread'),
  9: entry('process', 'access', 'RawAccessRead'),
  10: entry('process', 'access', 'ProcessAccess'),
  11: entry('file', 'creation', 'FileCreate'),
  12: entry('configuration registry', 'change', 'RegistryEvent (Object create and delete)'),
  13: entry('configuration registry', 'change', 'RegistryEvent (Value Set)'),
  14: entry('configuration registry', 'change', 'RegistryEvent (Key and Value Rename)'),
  15: entry('file', 'access', 'FileCreateStreamHash'),
  16: entry('configuration', 'change', 'ServiceConfigurationChange'),
  17: entry('file', 'creation', 'PipeEvent (Pipe Created)'),
  18: entry('file', 'access', 'PipeEvent (Pipe Connected)'),
  19: entry('process', 'info', 'WmiEvent (WmiEventFilter activity detected)'),
  20: entry('process', 'change', 'WmiEvent (WmiEventConsumer activity detected)'),
  21: entry('process', 'access', 'WmiEvent (WmiEventConsumerToFilter activity detected)'),
  22: entry('network', 'connection protocol info', 'DNSEvent (DNS query)'),
  23: entry('file', 'deletion', 'FileDelete (File Delete archived)'),
  24: entry('process', 'change', 'ClipboardChange (New content in the clipboard)'),
  25: entry('process', 'change', 'ProcessTampering (Process image change)'),
  26: entry('file', 'deletion', 'FileDeleteDetected (File Delete logged)'),
  27: entry('file', 'creation', 'FileBlockExecutable'),
  28: entry('file', 'deletion', 'FileBlockShredding'),
  29: entry('file', 'creation', 'FileExecutableDetected'),
};

/** By event id of the Security channel. */
const SECURITY: Readonly<Record<string, EventClass>> = {
  1102: entry('iam', 'admin change', 'audit-log-cleared'),
  4611: entry('authentication', 'info', 'logon-process-registered'),
  4624: entry('authentication', 'start', 'logged-in'),
  4625: entry('authentication', 'start', 'logon-failed'),
  4627: entry('authentication', 'info', 'group-membership-info'),
  4634: entry('authentication', 'end', 'logged-out'),
  4647: entry('authentication', 'end', 'logged-out'),
  4648: entry('authentication', 'start', 'logged-in-explicit'),
  4656: entry('file', 'access', 'object-handle-requested'),
  4657: entry('configuration registry', 'change', 'registry-value-modified'),
  4658: entry('file', 'access', 'object-handle-closed'),
  4660: entry('file', 'deletion', 'object-deleted'),
  4661: entry('iam', 'access', 'object-handle-requested'),
  4662: entry('iam', 'access', 'object-operation-performed'),
  4663: entry('file', 'access', 'object-access-attempted'),
  4670: entry('iam configuration', 'admin change', 'permissions-changed'),
  4672: entry('iam', 'admin', 'logged-in-special'),
  4673: entry('iam', 'admin', 'privileged-service-called'),
  4674: entry('iam', 'admin', 'privileged-operation'),
  4688: entry('process', 'start', 'created-process'),
  4689: entry('process', 'end', 'exited-process'),
  4690: entry('file', 'access', 'object-handle-duplicated'),
  4697: entry('iam configuration', 'admin change', 'service-installed'),
  4698: entry('iam configuration', 'creation admin', 'scheduled-task-created'),
  4699: entry('iam configuration', 'deletion admin', 'scheduled-task-deleted'),
  4700: entry('iam configuration', 'change admin', 'scheduled-task-enabled'),
  4701: entry('iam configuration', 'change admin', 'scheduled-task-disabled'),
  4702: entry('iam configuration', 'change admin', 'scheduled-task-updated'),
  4703: entry('iam', 'user change', 'user-right-adjusted'),
  4719: entry('iam configuration', 'admin change', 'changed-audit-config'),
  4720: entry('iam', 'user creation', 'added-user-account'),
  4722: entry('iam', 'user change', 'enabled-user-account'),
  4723: entry('iam', 'user change', 'changed-password'),
  4724: entry('iam', 'user change', 'reset-password'),
  4725: entry('iam', 'user change', 'disabled-user-account'),
  4726: entry('iam', 'user deletion', 'deleted-user-account'),
  4728: entry('iam', 'group change', 'added-member-to-group'),
  4729: entry('iam', 'group change', 'removed-member-from-group'),
  4732: entry('iam', 'group change', 'added-member-to-group'),
  4733: entry('iam', 'group change', 'removed-member-from-group'),
  4738: entry('iam', 'user change', 'modified-user-account'),
  4740: entry('iam', 'user change', 'locked-out-user-account'),
  4756: entry('iam', 'group change', 'added-member-to-group'),
  4768: entry('authentication', 'start', 'kerberos-authentication-ticket-requested'),
  4769: entry('authentication', 'start', 'kerberos-service-ticket-requested'),
  4771: entry('authentication', 'start', 'kerberos-preauth-failed'),
  4776: entry('authentication', 'start', 'credential-validated'),
  4798: entry('iam', 'user info', 'group-membership-enumerated'),
  4799: entry('iam', 'group info', 'user-member-enumerated'),
  5140: entry('network file', 'info access', 'network-share-object-accessed'),
  5145: entry('network file', 'info access', 'network-share-object-access-checked'),
  5152: entry('network', 'connection denied', 'windows-firewall-packet-block'),
  5154: entry('network', 'connection allowed', 'windows-firewall-application-listen-allowed'),
  5156: entry('network', 'connection allowed', 'windows-firewall-connection-allowed'),
  5157: entry('network', 'connection denied', 'windows-firewall-connection-blocked'),
  5158: entry('network', 'connection allowed', 'windows-firewall-bind-allowed'),
  5379: entry('iam', 'user info', 'credentials-read'),
};

/** By event id of the PowerShell channels. */
const POWERSHELL: Readonly<Record<string, EventClass>> = {
  400: entry('process', 'start', 'Engine Lifecycle'),
  403: entry('process', 'end', 'Engine Lifecycle'),
  600: entry('process', 'info', 'Provider Lifecycle'),
  800: entry('process', 'info', 'Pipeline Execution Details'),
  4103: entry('process', 'info', 'Executing Pipeline'),
  4104: entry('process', 'info', 'Execute a Remote Command'),
  4105: entry('process', 'start', 'Starting Command'),
  4106: entry('process', 'end', 'Stopping Command'),
};

const OTHER: Readonly<Record<string, EventClass>> = {
  'System/7045': entry('configuration', 'creation admin', 'service-installed'),
  'System/7040': entry('configuration', 'change', 'service-start-type-changed'),
  'System/7036': entry('process', 'info', 'service-state-changed'),
  'System/104': entry('iam', 'admin change', 'log-cleared'),
};

const TABLES: Readonly<Record<string, Readonly<Record<string, EventClass>>>> = {
  'windows.sysmon': SYSMON,
  'windows.security': SECURITY,
  'windows.powershell': POWERSHELL,
};

/** The dataset of a channel. */
export function datasetOf(channel: string): string {
  const lower = channel.toLowerCase();
  if (lower === 'microsoft-windows-sysmon/operational') return 'windows.sysmon';
  if (lower === 'security') return 'windows.security';
  if (/^(?:windows powershell|microsoft-windows-powershell\/.+|powershellcore\/.+)$/.test(lower)) {
    return 'windows.powershell';
  }
  return 'windows.other';
}

/** Undefined for an event that no table knows. */
export function classifyEvent(options: {
  dataset: string;
  channel: string;
  eventId: string;
}): EventClass | undefined {
  const { dataset, channel, eventId } = options;
  return TABLES[dataset]?.[eventId] ?? OTHER[`${channel}/${eventId}`];
}
