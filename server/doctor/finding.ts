// What the doctor says of one thing that it looked at.

export interface Finding {
  /** What was looked at: `kafka topic picket.events`. */
  readonly subject: string;
  readonly state: 'good' | 'warning' | 'problem';
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export function good(subject: string, message: string): Finding {
  return { subject, state: 'good', message };
}

export function warning(subject: string, message: string, remedy: string): Finding {
  return { subject, state: 'warning', message, remedy };
}

export function problem(subject: string, message: string, remedy: string): Finding {
  return { subject, state: 'problem', message, remedy };
}

/** Free space below these shares of a disk is told. */
export const LITTLE_FREE = 0.15;
export const NEARLY_NONE_FREE = 0.05;

/** Of a disk or a cluster's node. Bytes. */
export function judgeSpace(options: {
  subject: string;
  free: number;
  total: number;
  remedy: string;
}): Finding {
  const { subject, free, total, remedy } = options;
  const share = total > 0 ? free / total : 1;
  const message = `${(free / 1024 ** 3).toFixed(1)} GiB free of ${(total / 1024 ** 3).toFixed(1)} (${Math.round(100 * share)}%)`;
  if (share < NEARLY_NONE_FREE) return problem(subject, message, remedy);
  return share < LITTLE_FREE ? warning(subject, message, remedy) : good(subject, message);
}
