// The site's end of the link: calls its parent, keeps calling, sends up what may leave and takes signed postures.
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { describeError, errorCode, PicketError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Posture, SignedDocument } from '../core/posture.ts';
import type { Heartbeat } from '../core/site.ts';
import { type SiteEvents, silentSiteEvents } from '../core/site-events.ts';
import { readPublicKey } from '../identity/keys.ts';
import { decodeBundle } from '../identity/messages.ts';
import { RENEWAL_CONTEXT, signDocument } from '../identity/sign-document.ts';
import type { Enrolment, SiteKeys } from '../identity/site-identity.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { CompiledResidencyPolicy } from '../residency/compile-policy.ts';
import { acceptPosture } from './accept-posture.ts';
import { describeLinkFault } from './describe-link-fault.ts';
import { checkIssued, enrolSite } from './enrol-site.ts';
import { connectLink, type LinkConnection, readIssued } from './link-connection.ts';
import { BatchAnswer, Command, FINAL_CODES, ROUTES } from './protocol.ts';
import { startUplink, type Uplink, type UplinkOptions } from './uplink.ts';

export interface LinkState {
  /** `stopped`: nothing but a person can mend it (see `code`), or stop() was called. */
  readonly state: 'enrolling' | 'connecting' | 'connected' | 'waiting' | 'stopped';
  readonly since: string;
  /** The last fault, while it stands. */
  readonly code?: string;
  readonly reason?: string;
}

export interface LinkClientOptions {
  readonly keys: SiteKeys;
  /** Needed until the site is enrolled; the one of an earlier enrolment is passed over. */
  readonly bundle?: string;
  /** Where the parent's link listens now, when it moved since the site was enrolled (`https://host:port`). */
  readonly parentUrl?: string;
  readonly site: { readonly tenant: string; readonly id: string; readonly jurisdiction: string };
  readonly bus: Bus;
  readonly records: RecordStore;
  readonly policy: CompiledResidencyPolicy;
  /** True when this site works its own rules. */
  readonly detects: boolean;
  /** A verified document above the held version. When it rejects, the document comes again at the next connect. */
  readonly onPosture: (signed: SignedDocument, posture: Posture) => Promise<void>;
  /** A document that came and was not taken. */
  readonly onPostureRefused?: (refused: { code: string; reason: string }) => void;
  /** The version that the site holds; 0 for none. */
  readonly heldPostureVersion: () => number | Promise<number>;
  /** What the site tells of itself; the spool is filled in here. */
  readonly heartbeat: () => Omit<Heartbeat, 'spool'> | Promise<Omit<Heartbeat, 'spool'>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly siteEvents?: SiteEvents;
  readonly onState?: (state: LinkState) => void;
  readonly heartbeat_ms?: number;
  /** Another way for batches than this connection, e.g. the parent's Kafka. */
  readonly send?: UplinkOptions['send'];
  /** Another way on which commands come as well; begins once the site has an identity to check them with. */
  readonly commands?: (onLine: (line: string) => Promise<void>) => { stop(): Promise<void> };
  readonly bounds?: UplinkOptions['bounds'];
  readonly ledger_ms?: number;
  /** The wait between calls grows from `initial_ms` to `maximum_ms`, half of it by chance. */
  readonly reconnect?: { readonly initial_ms: number; readonly maximum_ms: number };
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
}

export interface LinkClient {
  state(): LinkState;
  spool(): Promise<{ records: number }>;
  stop(): Promise<void>;
}

/** Refusals of a batch that may pass (a parent restored from a backup, say) are tried again after this. */
const REFUSED_MS = 15_000;

/** Begins to call the parent; returns at once, also when the parent is away. */
export function startLinkClient(options: LinkClientOptions): LinkClient {
  const { keys, site, clock, logger, counters, siteEvents = silentSiteEvents } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const { initial_ms, maximum_ms } = options.reconnect ?? { initial_ms: 50, maximum_ms: 800 };
  const random = options.random ?? Math.random;
  let state: LinkState = { state: 'connecting', since: new Date(clock.now()).toISOString() };
  let connection: LinkConnection | undefined;
  let connected = Promise.withResolvers<void>();
  let uplink: Uplink | undefined;
  let otherCommands: { stop(): Promise<void> } | undefined;
  /** One command after the other, whichever way it came. */
  let line = Promise.resolve();

  const enter = (next: LinkState['state'], error?: unknown): void => {
    const fault = error === undefined ? {} : { code: errorCode(error), reason: describeError(error) };
    const changed = next !== state.state || fault.code !== state.code;
    state = { state: next, since: changed ? new Date(clock.now()).toISOString() : state.since, ...fault };
    if (!changed) return;
    logger.info({ link: next, ...fault }, 'link');
    if (error !== undefined) siteEvents.tell(describeLinkFault(error, keys.enrolment()?.parent.url));
    options.onState?.(state);
  };

  const isFinal = (error: unknown): boolean => error instanceof PicketError && FINAL_CODES.has(error.code);

  /** Waits for a connection, sends, and tries again until the parent has the batch. */
  const send: UplinkOptions['send'] = async (body, sendSignal) => {
    for (;;) {
      sendSignal.throwIfAborted();
      const current = connection;
      if (!current) {
        await Promise.race([connected.promise, aborted(sendSignal)]);
        continue;
      }
      try {
        return BatchAnswer.parse(await current.request({ path: ROUTES.batches, body, signal: sendSignal }));
      } catch (error) {
        if (sendSignal.aborted) throw error;
        const code = errorCode(error);
        counters.add('uplink', `retry:${code}`);
        if (code !== 'LINK_UNREACHABLE')
          logger.error({ code, reason: describeError(error) }, 'the parent refused a batch');
        const wait = code === 'LINK_UNREACHABLE' ? 50 : /^BUS_|^LINK_BUSY$/.test(code) ? 1_000 : REFUSED_MS;
        await clock.sleep(wait, sendSignal);
      }
    }
  };

  const beginUplink = async (enrolment: Enrolment): Promise<void> => {
    const { parent, chain } = enrolment;
    otherCommands ??= options.commands?.((text) => takeInTurn(text, keys.enrolment() ?? enrolment));
    uplink ??= await startUplink({
      bus: options.bus,
      records: options.records,
      site,
      destination: parent.jurisdiction,
      policy: options.policy,
      signingKey: keys.signingKey,
      chain,
      detects: options.detects,
      clock,
      counters,
      logger,
      send: options.send ?? send,
      ...(options.bounds ? { bounds: options.bounds } : {}),
      ...(options.ledger_ms === undefined ? {} : { ledger_ms: options.ledger_ms }),
    });
  };

  const takeLine = async (line: string, enrolment: Enrolment): Promise<void> => {
    const command = Command.parse(JSON.parse(line));
    if (command.kind === 'ping') return;
    if (command.kind !== 'posture' || !command.document) {
      counters.add('link', 'command-unknown');
      return;
    }
    try {
      const posture = acceptPosture({
        signed: command.document,
        keys: enrolment.issued.posture_keys.map(readPublicKey),
        site,
        held: await options.heldPostureVersion(),
        now: clock.now(),
      });
      if (posture) await options.onPosture(command.document, posture);
    } catch (error) {
      counters.add('link', `posture-refused:${errorCode(error)}`);
      logger.error({ code: errorCode(error), reason: describeError(error) }, 'a posture was not taken');
      siteEvents.tell({
        action: 'posture-refused',
        subject: enrolment.parent.site,
        code: errorCode(error),
        message: `a posture was not taken: ${describeError(error)}`,
        fields: { site_event: { parent: enrolment.parent.site } },
      });
      options.onPostureRefused?.({ code: errorCode(error), reason: describeError(error) });
    }
  };

  const takeInTurn = (text: string, enrolment: Enrolment): Promise<void> => {
    line = line
      .then(() => takeLine(text, enrolment))
      .catch((error: unknown) => {
        logger.error({ err: error }, 'a command cannot be read');
      });
    return line;
  };

  /** The site's certificate, renewed at two thirds of its life, and also when it ran out while the site was cut off. */
  const renew = async (enrolment: Enrolment): Promise<Enrolment> => {
    const { issued, parent, ca } = enrolment;
    const from = Date.parse(issued.not_before);
    const due = from + ((Date.parse(issued.not_after) - from) * 2) / 3;
    if (clock.now() >= from && clock.now() < due) return enrolment;
    const value = keys.apply({ tenant: site.tenant, site: site.id, jurisdiction: site.jurisdiction });
    const application = signDocument({ context: RENEWAL_CONTEXT, value, key: keys.signingKey });
    const plain = await connectLink({ url: parent.url, ca, signal });
    try {
      const body = Buffer.from(JSON.stringify({ application }));
      const renewed = readIssued(await plain.request({ path: ROUTES.renew, body, signal }));
      checkIssued(renewed, { tenant: site.tenant, site: site.id, jurisdiction: site.jurisdiction });
      const kept: Enrolment = { ...enrolment, issued: renewed };
      await keys.keepEnrolment(kept);
      counters.add('link', 'certificate-renewed');
      return kept;
    } finally {
      plain.close();
    }
  };

  const enrol = async (): Promise<Enrolment> => {
    const kept = keys.enrolment();
    if (kept) return kept;
    if (options.bundle === undefined)
      throw new PicketError({
        code: 'LINK_NOT_ENROLLED',
        message: 'the site has no identity and no bundle to get one',
      });
    const bundle = decodeBundle(options.bundle);
    checkIssued(bundle, { tenant: site.tenant, site: site.id, jurisdiction: site.jurisdiction });
    enter('enrolling');
    return enrolSite({ keys, bundle, signal });
  };

  /** One connection from its first byte to its end. */
  const live = async (): Promise<void> => {
    let kept = await enrol();
    if (options.parentUrl !== undefined && options.parentUrl !== kept.parent.url) {
      kept = { ...kept, parent: { ...kept.parent, url: options.parentUrl } };
      await keys.keepEnrolment(kept);
    }
    const enrolment = await renew(kept);
    await beginUplink(enrolment);
    if (state.state !== 'waiting') enter('connecting');
    const identity = { key: keys.tlsKey, certificate: enrolment.issued.certificate };
    const current = await connectLink({ url: enrolment.parent.url, ca: enrolment.ca, identity, signal });
    const ending = new AbortController();
    const here = AbortSignal.any([signal, ending.signal]);
    try {
      await beat(current, here);
      connection = current;
      connected.resolve();
      enter('connected');
      const listening = current.commands({
        onLine: (text) => void takeInTurn(text, enrolment),
        signal: here,
      });
      await Promise.race([listening, keepAlive(current, here, enrolment), current.closed]);
    } finally {
      ending.abort();
      connection = undefined;
      connected = Promise.withResolvers<void>();
      current.close();
    }
  };

  const beat = async (current: LinkConnection, here: AbortSignal): Promise<void> => {
    const spool = (await uplink?.spool()) ?? { records: 0 };
    const heartbeat: Heartbeat = { ...(await options.heartbeat()), spool };
    await current.request({
      path: ROUTES.heartbeat,
      body: Buffer.from(JSON.stringify(heartbeat)),
      signal: here,
    });
  };

  /** Resolves when the parent is silent, or when the certificate wants renewal. */
  const keepAlive = async (
    current: LinkConnection,
    here: AbortSignal,
    enrolment: Enrolment,
  ): Promise<void> => {
    const every = options.heartbeat_ms ?? 5_000;
    for (;;) {
      await clock.sleep(every, here);
      if (!(await current.ping(every))) return;
      if ((await renew(enrolment)) !== enrolment) return;
      await beat(current, here);
    }
  };

  const run = async (): Promise<void> => {
    let wait = initial_ms;
    while (!signal.aborted) {
      const before = state.state;
      try {
        await live();
        wait = initial_ms;
      } catch (error) {
        if (signal.aborted) break;
        if (isFinal(error)) {
          enter('stopped', error);
          logger.error({ code: errorCode(error) }, 'the link stopped: enrol the site again');
          return;
        }
        if (before === 'connected' || state.state === 'connected') wait = initial_ms;
        enter('waiting', error);
      }
      await clock.sleep(wait / 2 + (wait / 2) * random(), signal).catch(() => undefined);
      wait = Math.min(wait * 2, maximum_ms);
    }
  };

  const running = run();
  return {
    state: () => state,
    spool: async () => (await uplink?.spool()) ?? { records: 0 },
    stop: async () => {
      stopping.abort();
      connection?.close();
      await running;
      await uplink?.stop();
      await otherCommands?.stop();
      enter('stopped');
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
