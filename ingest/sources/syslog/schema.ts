// The parameters of a syslog source.
import { z } from 'zod';

export const SyslogParameters = z.strictObject({
  /**
   * Reads a JSON object out of the text: `cee` only after the cookie `@cee:`, `always` also when the text
   * is an object from end to end, `never` leaves it text.
   */
  json: z.enum(['cee', 'always', 'never']).default('cee'),
});
export type SyslogParameters = z.infer<typeof SyslogParameters>;
