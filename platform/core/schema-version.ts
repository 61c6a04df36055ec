// The version that everything stored or sent carries; readers accept it and the one before.
import { z } from 'zod';

/** Raised when a stored or sent shape changes in a way that an older reader would misread. */
export const SCHEMA_VERSION = 1;

/** Accepts this version and the one before it (SEMANTICS, Events). */
export const SchemaVersion = z
  .number()
  .int()
  .refine((version) => version === SCHEMA_VERSION || version === SCHEMA_VERSION - 1, {
    message: `unsupported schema version (this Picket reads ${SCHEMA_VERSION - 1} and ${SCHEMA_VERSION})`,
  });
