// Tetragon's JSON export (api/v1/tetragon: GetEventsResponse in protobuf's JSON with its own field names), loose.
import { z } from 'zod';

const text = z.string().min(1).optional().catch(undefined);
const texts = z.array(z.string()).optional().catch(undefined);
/** Unsigned numbers; 64-bit ones are written as text. */
const number = z
  .union([z.number(), z.string().regex(/^\d{1,20}$/)])
  .optional()
  .catch(undefined);
const loose = z.looseObject({}).optional().catch(undefined);

const Container = z.looseObject({
  id: text,
  name: text,
  image: z.looseObject({ id: text, name: text }).optional().catch(undefined),
  security_context: z
    .looseObject({ privileged: z.boolean().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

const Pod = z.looseObject({
  namespace: text,
  name: text,
  uid: text,
  container: Container.optional().catch(undefined),
  workload: text,
  workload_kind: text,
});

export const TetragonProcess = z.looseObject({
  /** Unique over the nodes of a cluster: base64 of node, start and pid. */
  exec_id: text,
  parent_exec_id: text,
  pid: number,
  tid: number,
  uid: number,
  auid: number,
  cwd: text,
  binary: text,
  arguments: text,
  flags: text,
  start_time: text,
  pod: Pod.optional().catch(undefined),
  /** The first 31 characters of the container's id. */
  docker: text,
  cap: loose,
  ns: loose,
  binary_properties: loose,
});
export type TetragonProcess = z.infer<typeof TetragonProcess>;

/** What stands under `process_exec`, `process_kprobe` and their kin: the members of all of them. */
export const TetragonBody = z.looseObject({
  process: TetragonProcess.optional().catch(undefined),
  parent: TetragonProcess.optional().catch(undefined),
  function_name: text,
  /** Tracepoints. */
  subsys: text,
  event: text,
  /** Uprobes and loaded libraries. */
  path: text,
  symbol: text,
  policy_name: text,
  message: text,
  tags: texts,
  args: z.array(z.unknown()).optional().catch(undefined),
  return: loose,
  action: text,
  return_action: text,
  /** Exit. */
  status: number,
  signal: text,
  /** Connections, as the exporter of Isovalent writes them. */
  source_ip: text,
  source_port: number,
  destination_ip: text,
  destination_port: number,
  ip: text,
  port: number,
  protocol: text,
  stats: loose,
  /** `rate_limit_info`. */
  number_of_dropped_process_events: number,
  /** `process_throttle`. */
  type: text,
  cgroup: text,
});
export type TetragonBody = z.infer<typeof TetragonBody>;

export const TetragonEvent = z.looseObject({ node_name: text, time: text, cluster_name: text });
export type TetragonEvent = z.infer<typeof TetragonEvent>;

export const TetragonParameters = z.strictObject({
  /** Becomes `orchestrator.cluster.name`, the scope of pods. */
  cluster: z
    .string()
    .min(1)
    .optional()
    .describe('name of the cluster, `orchestrator.cluster.name`; else the one that Tetragon was told'),
});
export type TetragonParameters = z.infer<typeof TetragonParameters>;
