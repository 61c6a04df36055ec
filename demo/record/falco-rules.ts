/** The stock Falco rules that fire in the story: name, priority, tags and output text as falcosecurity/rules writes them. */

export interface FalcoRule {
  priority: string;
  tags: readonly string[];
  /** The rule's own words, and its own fields as `name=%field`. */
  text: string;
  fields: string;
}

const network = 'connection=%fd.name lport=%fd.lport rport=%fd.rport fd_type=%fd.type fd_proto=%fd.l4proto ';
const parents = 'gparent=%proc.aname[2] ggparent=%proc.aname[3] gggparent=%proc.aname[4] ';

/** What every rule of the stock set ends with. */
export const commonFields =
  'evt_type=%evt.type user=%user.name user_uid=%user.uid user_loginuid=%user.loginuid process=%proc.name proc_exepath=%proc.exepath parent=%proc.pname command=%proc.cmdline terminal=%proc.tty exe_flags=%evt.arg.flags';

/** What %container.info becomes with falco -pk. */
export const containerFields =
  'container_id=%container.id container_image=%container.image.repository container_image_tag=%container.image.tag container_name=%container.name k8s_ns=%k8s.ns.name k8s_pod_name=%k8s.pod.name';

export const falcoRules = {
  'Run shell untrusted': {
    priority: 'Notice',
    tags: ['T1059.004', 'container', 'host', 'maturity_stable', 'mitre_execution', 'process', 'shell'],
    text: 'Shell spawned by untrusted binary',
    fields: 'parent_exe=%proc.pexe parent_exepath=%proc.pexepath pcmdline=%proc.pcmdline ',
  },
  'Terminal shell in container': {
    priority: 'Notice',
    tags: ['T1059', 'container', 'maturity_stable', 'mitre_execution', 'shell'],
    text: 'A shell was spawned in a container with an attached terminal',
    fields: '',
  },
  'Redirect STDOUT/STDIN to Network Connection in Container': {
    priority: 'Notice',
    tags: ['T1059', 'container', 'maturity_stable', 'mitre_execution', 'network', 'process'],
    text: 'Redirect stdout/stdin to network connection',
    fields: `${parents}fd.sip=%fd.sip ${network}`,
  },
  'Drop and execute new binary in container': {
    priority: 'Critical',
    tags: ['PCI_DSS_11.5.1', 'TA0003', 'container', 'maturity_stable', 'mitre_persistence', 'process'],
    text: 'Executing binary not part of base image',
    fields: 'proc_exe=%proc.exe gparent=%proc.aname[2] proc_cwd=%proc.cwd ',
  },
  'Contact K8S API Server From Container': {
    priority: 'Notice',
    tags: ['T1565', 'container', 'k8s', 'maturity_stable', 'mitre_discovery', 'network'],
    text: 'Unexpected connection to K8s API Server from container',
    fields: network,
  },
  'Read sensitive file untrusted': {
    priority: 'Warning',
    tags: ['T1555', 'container', 'filesystem', 'host', 'maturity_stable', 'mitre_credential_access'],
    text: 'Sensitive file opened for reading by non-trusted program',
    fields: `file=%fd.name ${parents}`,
  },
  'Search Private Keys or Passwords': {
    priority: 'Warning',
    tags: [
      'T1552.001',
      'container',
      'filesystem',
      'host',
      'maturity_stable',
      'mitre_credential_access',
      'process',
    ],
    text: 'Grep private keys or passwords activities found',
    fields: '',
  },
  'Packet socket created in container': {
    priority: 'Notice',
    tags: ['T1557.002', 'container', 'maturity_stable', 'mitre_credential_access', 'network'],
    text: 'Packet socket was created in a container',
    fields: `socket_info=%evt.args ${network}`,
  },
  'Execution from /dev/shm': {
    priority: 'Warning',
    tags: ['T1059.004', 'container', 'host', 'maturity_stable', 'mitre_execution'],
    text: 'File execution detected from /dev/shm',
    fields: 'evt_res=%evt.res file=%fd.name proc_cwd=%proc.cwd proc_pcmdline=%proc.pcmdline ',
  },
  'Clear Log Activities': {
    priority: 'Warning',
    tags: [
      'NIST_800-53_AU-10',
      'T1070',
      'container',
      'filesystem',
      'host',
      'maturity_stable',
      'mitre_defense_evasion',
    ],
    text: 'Log files were tampered',
    fields: 'file=%fd.name ',
  },
  'Unexpected outbound connection destination': {
    priority: 'Notice',
    tags: ['TA0011', 'container', 'host', 'maturity_sandbox', 'mitre_command_and_control', 'network'],
    text: 'Disallowed outbound connection destination',
    fields: network,
  },
} as const satisfies Record<string, FalcoRule>;
