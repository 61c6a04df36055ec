import { describe, expect, test } from 'vitest';
import { eventsOf, linesOf, outcomesOf } from '../../normalise-text.ts';

const RECORDED = linesOf('test/fixtures/tetragon/events.ndjson');
const DOCUMENTED = linesOf('test/fixtures/tetragon/documented.ndjson');

/** The event of the one line that holds the text. */
function eventWith(text: string, parameters = {}) {
  const line = [...RECORDED, ...DOCUMENTED].find((each) => each.includes(text));
  if (line === undefined) throw new Error(`no line holds ${text}`);
  const [event] = eventsOf('tetragon', line, { parameters });
  return event;
}

describe('Tetragon events', () => {
  test('every recorded one becomes one event with its own time, process, parent and node', () => {
    for (const line of RECORDED) {
      const raw = JSON.parse(line) as Record<string, { process: { binary: string; pid: number } }>;
      const body = Object.values(raw).find((value) => value.process !== undefined);
      const events = eventsOf('tetragon', line, { parameters: { cluster: 'plant-7' } });
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({
        event: { module: 'tetragon', action: expect.any(String) },
        process: {
          executable: body?.process.binary,
          pid: body?.process.pid,
          parent: { executable: expect.any(String) },
        },
        picket: { time: 'ok' },
        orchestrator: { cluster: { name: 'plant-7' } },
      });
      const host = (events[0]?.['host'] as { name?: unknown } | undefined)?.name;
      expect(host).toBe(raw['node_name']);
    }
  });

  test('an executed program names its command line, container, image digest, pod and where it ran', () => {
    expect(
      eventWith('"/usr/bin/nsenter","arguments":"-t 1 -m -u -n -i -p bash","flags":"execve rootcwd clone"'),
    ).toMatchObject({
      '@timestamp': '2022-01-19T11:16:29.378Z',
      event: { dataset: 'tetragon.exec', category: ['process'], type: ['start'], action: 'exec' },
      process: {
        entity_id: 'bWluaWt1YmU6MTQzNTQzNTYzNTQyMzoxOTAwOQ==',
        name: 'nsenter',
        command_line: '/usr/bin/nsenter -t 1 -m -u -n -i -p bash',
        working_directory: '/',
        start: '2022-01-19T11:16:29.378Z',
        parent: { name: 'bash', pid: 17_022 },
      },
      user: { id: '0' },
      container: {
        id: '85f791fd8dfa740a3b1c177e8f68e8fdb4803a7c8fa0e957a5ec38460ce047ef',
        runtime: 'docker',
        name: 'privileged-pod',
        image: {
          name: 'nginx',
          tag: ['latest'],
          hash: { all: ['sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31'] },
        },
      },
      orchestrator: { namespace: 'default', resource: { type: 'pod', name: 'privileged-pod' } },
      kubernetes: { namespace: 'default', pod: { name: 'privileged-pod' }, node: { name: 'minikube' } },
      tetragon: { process: { cap: { effective: expect.arrayContaining(['CAP_SYS_ADMIN']) } } },
      picket: { class: 'process' },
    });
  });

  test('a hook names its policy, function, file and what was done, and who logged in when somebody did', () => {
    expect(eventWith('"policy_name":"file-monitoring"')).toMatchObject({
      event: {
        dataset: 'tetragon.policy',
        category: ['process', 'file'],
        type: ['info'],
        action: 'security_file_permission',
      },
      rule: { name: 'file-monitoring', ruleset: 'tetragon' },
      file: { path: '/etc/passwd' },
      tetragon: { action: 'KPROBE_ACTION_POST', args: [{}, { int_arg: 2 }], return: { int_arg: 0 } },
      picket: { class: 'runtime-alert' },
    });
    expect(eventWith('"do_init_module"')).toMatchObject({
      event: { category: ['process', 'driver'], action: 'do_init_module' },
      tetragon: {
        login_uid: '1000',
        args: [{ module_arg: { tainted: ['TAINT_OUT_OF_TREE_MODULE', 'TAINT_UNSIGNED_MODULE'] } }],
      },
    });
    expect(eventWith('"/bin/mount"')).not.toHaveProperty('tetragon.login_uid');
  });

  test('a system call loses the prefix of its architecture, and what was written is told by its length alone', () => {
    const event = eventWith('"__x64_sys_write"');
    expect(event).toMatchObject({
      event: { action: 'sys_write' },
      tetragon: { function_name: '__x64_sys_write' },
      file: { path: 'etc/passwd' },
    });
    const { args } = (event as unknown as { tetragon: { args: unknown[] } }).tetragon;
    expect(args[1]).toEqual({ bytes_arg: { orig_size: expect.stringMatching(/^[1-9]\d*$/) } });
    expect(JSON.stringify(event)).not.toContain('ZGFlbW9uOng6');
  });

  test('connections have both ends, from the exporter and from the socket of a hook', () => {
    expect(eventWith('"process_connect":{"process":{"exec_id":"bWluaWt1YmU6MTA1NzU3')).toMatchObject({
      event: { dataset: 'tetragon.connection', type: ['connection', 'start'], action: 'connect' },
      source: { ip: '10.88.0.7', port: 49_168 },
      destination: { ip: '142.250.180.196', port: 80 },
      network: { transport: 'tcp' },
    });
    expect(eventWith('"tcp_connect"')).toMatchObject({
      event: { category: ['process', 'network'], type: ['info', 'denied'], outcome: 'failure' },
      source: { ip: '10.32.0.19', port: 33_978 },
      destination: { ip: '104.198.14.52', port: 443 },
      network: { transport: 'tcp' },
    });
    expect(eventWith('"ip":"0.0.0.0","port":9080')).toMatchObject({
      event: { action: 'listen' },
      destination: { ip: '0.0.0.0', port: 9080 },
    });
  });

  test('what a policy refused is denied; uprobes, tracepoints and loaded libraries keep their own names', () => {
    expect(eventWith('"process_lsm"')).toMatchObject({
      event: { action: 'bprm_check_security', type: ['info', 'denied'], outcome: 'failure' },
      message: 'download tool refused',
      file: { path: '/usr/bin/curl' },
      tags: ['enforcement.process'],
    });
    expect(eventWith('"process_tracepoint"')).toMatchObject({
      event: { action: 'sys_enter' },
      tetragon: { subsys: 'raw_syscalls' },
    });
    expect(eventWith('"process_uprobe"')).toMatchObject({
      event: { action: 'SSL_write' },
      tetragon: { path: '/usr/lib/x86_64-linux-gnu/libssl.so.3' },
    });
    expect(eventWith('"process_loader"')).toMatchObject({
      event: { dataset: 'tetragon.loader', category: ['library'] },
      dll: { path: '/usr/lib/x86_64-linux-gnu/libssl.so.3' },
    });
  });

  test('what the sensor lost and held back is an event of its own', () => {
    expect(eventWith('"rate_limit_info"')).toMatchObject({
      event: { dataset: 'tetragon.sensor', action: 'events-dropped' },
      tetragon: { dropped_events: 1742 },
      host: { name: 'gke-john-632-default-pool-7041cac0-9s95' },
      picket: { class: 'operational' },
    });
    expect(eventWith('"process_throttle"')).toMatchObject({
      event: { action: 'throttle' },
      tetragon: { type: 'THROTTLE_START', cgroup: expect.stringContaining('cri-containerd') },
    });
  });

  test('a process that Tetragon tells of again when it starts is the same event; its end is another', () => {
    const exec = RECORDED.find((line) => line.includes('"process_exec"')) as string;
    const again = JSON.stringify({ again: true, ...(JSON.parse(exec) as object) });
    const end = exec.replace('"process_exec"', '"process_exit"');
    const [first, second, third] = [exec, again, end].map((line) => eventsOf('tetragon', line)[0]?.event.id);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('only a workload of a known kind is named, and one without an image has none', () => {
    const pod = (workload_kind: string) => ({
      process_exec: { process: { pod: { namespace: 'n', name: 'p', workload: 'w', workload_kind } } },
    });
    const [deployment] = eventsOf('tetragon', pod('Deployment'));
    expect(deployment).toMatchObject({ kubernetes: { deployment: { name: 'w' } } });
    const [odd] = eventsOf('tetragon', pod('Namespace'));
    expect(odd).toMatchObject({ kubernetes: { namespace: 'n' } });
    expect(odd).not.toHaveProperty('container');
  });

  test.each([
    [{}, undefined],
    [{ processExec: {} }, undefined],
    [{ process_exec: 5 }, 'process_exec'],
    [{ process_kprobe: [] }, 'process_kprobe'],
  ])('%j is refused', (content, place) => {
    expect(outcomesOf('tetragon', content)).toEqual([
      {
        kind: 'rejected',
        code: 'TETRAGON_NOT_EVENT',
        message: expect.any(String),
        ...(place ? { place } : {}),
      },
    ]);
  });
});
