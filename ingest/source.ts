// The source contract: how a format's adapter describes itself and turns raw records into ECS drafts.
import type { z } from 'zod';
import type { JsonObject } from '../platform/core/event.ts';
import type { ResidencyClass } from '../platform/core/names.ts';
import type { SiteIdentity } from './site-identity.ts';

/** Where a raw record came from, which is what its identity falls back on (SEMANTICS, Identity). */
export type RecordPosition =
  /** A tailed file: device and inode (or another lasting identity) and the byte offset of the record. */
  | { readonly kind: 'file'; readonly identity: string; readonly offset: number }
  /** A file or request handed in whole: the ordinal among identical records in it. */
  | { readonly kind: 'request'; readonly ordinal: number }
  /** Assigned at receipt and stored with the raw record (syslog, NetFlow over the network). */
  | { readonly kind: 'assigned'; readonly id: string };

/** One record as it was received, before anything was understood. */
export interface RawRecord {
  readonly bytes: Uint8Array;
  /** Receipt, ms since the epoch. */
  readonly received: number;
  /** Address of the sender, without port. */
  readonly peer?: string;
  readonly position: RecordPosition;
  /** True when the receiver kept only the first part of it, one byte more than the source takes. */
  readonly cut?: boolean;
  /** True when fed in again by a replay. */
  readonly replayed?: boolean;
  /** Added to the record's own time, ms: how a recording is played as if it happened now (`picket replay --shift`). */
  readonly shift_ms?: number;
}

/** What an adapter makes of (a part of) a record; buildEvent adds identity, time judgement and `picket.*`. */
export interface EventDraft {
  /** One of the adapter's datasets. */
  readonly dataset: string;
  /** ms since the epoch, or undefined when the record has no usable time. */
  readonly timestamp: number | undefined;
  /** The source's own unique id for this event, if it has one. Must be unique within the source. */
  readonly uniqueId?: string;
  /** Distinguishes several events made of one record (default: their place in the result). */
  readonly part?: string;
  /** ECS fields without `@timestamp`, `ecs`, `picket`; `event.*` may be given in part. Owned by the caller afterwards. */
  readonly fields: JsonObject;
  /** The residency class when the adapter's datasets are open; else that of the dataset holds. */
  readonly class?: ResidencyClass;
  /** Raw text of this event when it is not the whole record (one flow of a datagram has none; one line of an EventList has its own). */
  readonly original?: string | null;
}

/** One outcome of normalising; a record gives one or many. */
export type Normalised =
  | { readonly kind: 'event'; readonly draft: EventDraft }
  | { readonly kind: 'rejected'; readonly code: string; readonly message: string; readonly place?: string }
  /** Left out on purpose by a rule with a name, e.g. `netflow-template-only`. Counted, never dead-lettered. */
  | { readonly kind: 'filtered'; readonly rule: string };

/** Small durable state of a source (NetFlow templates, sequence numbers); writes are batched by the owner. */
export interface SourceState {
  get(key: string): string | undefined;
  /** `durable` values (templates, which a recording says once) stand on disk before the record in hand is acknowledged. */
  set(key: string, value: string, options?: { durable?: boolean }): void;
}

export interface SourceContext {
  readonly site: SiteIdentity;
  readonly sourceId: string;
  /** IANA zone for formats whose times have none; default UTC. */
  readonly timezone: string;
  /** Checked by the adapter's own `parameters`. */
  readonly parameters: JsonObject;
  readonly state: SourceState;
  /** Counts something that is no record, such as `sequence-gap` with the number of lost flows. */
  readonly count: (reason: string, by: number) => void;
}

export interface Normaliser {
  /** Never throws for anything in the record: what cannot be read comes back as `rejected`. Never empty. */
  normalise(record: RawRecord): readonly Normalised[];
}

/** How the bytes of a body or file are cut into records. `line`: NDJSON or text lines; `document`: the whole; `json`: a JSON array or single object or NDJSON. */
export type Framing = 'line' | 'document' | 'json';

export interface SourceAdapter {
  /** Folder name and the `format` in configuration, e.g. `kubernetes-audit`. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly datasets: readonly {
    readonly name: string;
    readonly class: ResidencyClass;
    readonly description: string;
  }[];
  readonly framing: Framing;
  /** Largest record taken when the configuration says nothing; default 1 MiB. */
  readonly max_record_bytes?: number;
  /** True when events may name datasets beside the listed ones (ECS passed through); they need an override of the class or take the first dataset's. */
  readonly openDatasets?: boolean;
  /** Which receivers make sense. */
  readonly receivers: readonly (
    | 'http'
    | 'bulk'
    | 'file'
    | 'udp-syslog'
    | 'tcp-syslog'
    | 'tls-syslog'
    | 'udp-netflow'
  )[];
  /** Strict schema of `parameters` in configuration. */
  readonly parameters: z.ZodType<JsonObject>;
  /** Configuration lines that a person can copy (YAML). */
  readonly example: string;
  createNormaliser(context: SourceContext): Normaliser;
}
