// Sums the rounds of the pipeline bench up: shares of the ceilings, and CPU seconds a million events by process.
import { MIX_TEXT } from './make-events.ts';
import type { RoundUse } from './run-workers.ts';
import type { RoleName } from './task.ts';

/** `pipeline-2` has two detection processes; `ceiling` and `parse` are the bounds of `pipeline` and `detect`. */
export type Kind = 'ceiling' | 'pipeline' | 'parse' | 'detect' | 'pipeline-2';

export type Rounds = Record<Kind, RoundUse[]>;

/** The share of the pipeline is by the whole time; that of detection from a fifth of the events on, when joining and compiling are over. */
export function reportRounds(options: { rounds: Rounds; events: number; bytes_an_event: number }): {
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
} {
  const { rounds, events, bytes_an_event } = options;
  const million = (cpu_s: number): number => Math.round((cpu_s / events) * 1e6);
  const cpuOf = (kind: Kind, role: RoleName): number =>
    million(middle(rounds[kind].map((round) => round.roles.find((one) => one.role === role)?.cpu_s ?? 0)));
  const table = (Object.keys(rounds) as Kind[])
    .filter((kind) => rounds[kind].length > 0)
    .map((kind) => ({
      what: kind,
      'events/s': Math.round(middle(rounds[kind].map(({ wall_s }) => events / wall_s))),
      'steady events/s': Math.round(middle(rounds[kind].map(steadyRate))),
      'CPU s a million': (rounds[kind][0]?.roles ?? [])
        .map(({ role }) => `${role} ${cpuOf(kind, role)}`)
        .join(', '),
      broker: million(middle(rounds[kind].map((round) => round.broker_cpu_s))),
      Elasticsearch: million(middle(rounds[kind].map((round) => round.elasticsearch_cpu_s))),
      'cores busy': round2(middle(rounds[kind].map((round) => totalCpu(round) / round.wall_s))),
    }));
  return {
    table,
    figures: {
      ...(rounds.pipeline.length > 0 ? pipelineFigures() : {}),
      ...(rounds.detect.length > 0 ? detectFigures() : {}),
      ...(rounds['pipeline-2'].length > 0
        ? {
            detect_2_cpu_s_a_million: cpuOf('pipeline-2', 'detect'),
            index_beside_detect_2_cpu_s_a_million: cpuOf('pipeline-2', 'index'),
          }
        : {}),
      events,
      bytes_an_event,
      mix: MIX_TEXT,
      settings: 'refresh 1s, replicas 0, best_compression, heap 1 GiB; requests of up to 8 MiB, 4 under way',
    },
  };

  function pipelineFigures(): Record<string, number> {
    const { ceiling, pipeline } = rounds;
    const shares = pair(ceiling, pipeline, (round) => 1 / round.wall_s);
    const signals = pipeline.map(({ roles }) => roles.find(({ role }) => role === 'detect')?.signals ?? 0);
    return {
      share_of_ceiling: shares.middle,
      share_of_ceiling_least: shares.least,
      share_of_ceiling_most: shares.most,
      cpu_share_of_ceiling: pair(ceiling, pipeline, (round) => 1 / totalCpu(round)).middle,
      events_per_s: Math.round(middle(pipeline.map(({ wall_s }) => events / wall_s))),
      ceiling_events_per_s: Math.round(middle(ceiling.map(({ wall_s }) => events / wall_s))),
      bare_write_cpu_s_a_million: cpuOf('ceiling', 'bare-write'),
      index_cpu_s_a_million: cpuOf('pipeline', 'index'),
      detect_1_cpu_s_a_million: cpuOf('pipeline', 'detect'),
      elasticsearch_cpu_s_a_million: million(middle(pipeline.map((round) => round.elasticsearch_cpu_s))),
      broker_cpu_s_a_million: million(middle(pipeline.map((round) => round.broker_cpu_s))),
      signals_a_thousand: round2((middle(signals) / events) * 1_000),
    };
  }

  function detectFigures(): Record<string, number> {
    const { parse, detect } = rounds;
    const shares = pair(parse, detect, steadyRate);
    return {
      detect_share_of_ceiling: shares.middle,
      detect_share_of_ceiling_least: shares.least,
      detect_share_of_ceiling_most: shares.most,
      detect_cpu_share_of_ceiling: pair(parse, detect, (round) => 1 / steadyCpu(round)).middle,
      detect_alone_events_per_s: Math.round(middle(detect.map(steadyRate))),
      parse_events_per_s: Math.round(middle(parse.map(steadyRate))),
    };
  }
}

/** Ratios of what ran beside each other in time: the middle one, and the ends. */
function pair(
  bounds: readonly RoundUse[],
  ours: readonly RoundUse[],
  read: (round: RoundUse) => number,
): { middle: number; least: number; most: number } {
  const ratios = ours.map((round, at) => read(round) / read(bounds[at] as RoundUse));
  return {
    middle: round2(middle(ratios)),
    least: round2(Math.min(...ratios)),
    most: round2(Math.max(...ratios)),
  };
}

function totalCpu(round: RoundUse): number {
  return round.roles.reduce((all, { cpu_s }) => all + cpu_s, round.broker_cpu_s + round.elasticsearch_cpu_s);
}

function steadyRate({ roles }: RoundUse): number {
  return Math.min(...roles.map(({ steady_rate }) => steady_rate));
}

function steadyCpu({ roles }: RoundUse): number {
  return roles.reduce((all, { steady_cpu_million }) => all + steady_cpu_million, 0);
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
