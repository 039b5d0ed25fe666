import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Output, Pipeline } from '../config/pipeline.ts';
import { type Branch, branchesOf } from '../config/route.ts';
import type { AgentTelemetry } from '../events.ts';
import { createProgram, type Program } from '../filter/program.ts';
import type { Sender } from '../ship/sender.ts';
import type { Outbox } from '../state/outbox.ts';
import { Lane } from './lane.ts';

/** Where the records of one source and tag go, and what becomes of them on the way. */
export interface Way extends Program {
  lane: Lane;
}

/** Ways that are remembered; more tags than this are looked up again. */
const waysMax = 20_000;

/**
 * The lanes of a pipeline, made when a tag first needs them: one for each set of outputs that get the same blocks.
 * Files and pushed events have lanes of their own, as each fills its blocks in its own time.
 */
export class Lanes {
  readonly #pipeline: Pipeline;
  readonly #senders: ReadonlyMap<string, Sender>;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #telemetry: AgentTelemetry;
  readonly #ways = new Map<string, Way[]>();
  readonly #lanes = new Map<string, Lane>();
  readonly #onReady: () => void;

  constructor(
    pipeline: Pipeline,
    senders: ReadonlyMap<string, Sender>,
    outbox: Outbox,
    clock: Clock,
    telemetry: AgentTelemetry,
    /** A builder of a lane has become free. */
    onReady: () => void,
  ) {
    this.#pipeline = pipeline;
    this.#senders = senders;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#onReady = onReady;
  }

  /** All lanes made so far. */
  all(): Lane[] {
    return [...this.#lanes.values()];
  }

  /** The ways of a source's events of one tag; several where a `copy` splits them, none where no `<match>` takes them. */
  waysOf(source: { id: string; label: string }, tag: string, rule: Rule): Way[] {
    const key = `${source.id}\0${tag}`;
    const known = this.#ways.get(key);
    if (known) return known;
    const host = this.#pipeline.system.host;
    const telemetry = this.#telemetry;
    const ways = branchesOf(this.#pipeline, source.label, tag).map((branch) => ({
      lane: this.#laneOf(branch),
      ...createProgram(branch.filters, rule, { tag, host, way: keyOf(branch), telemetry }),
    }));
    this.#ways.set(key, ways);
    const [oldest] = this.#ways.keys();
    if (this.#ways.size > waysMax && oldest !== undefined) this.#ways.delete(oldest);
    return ways;
  }

  #laneOf(branch: Branch): Lane {
    const { outputs } = branch;
    const key = keyOf(branch);
    const known = this.#lanes.get(key);
    if (known) return known;
    const head = {
      host: this.#pipeline.system.host,
      agent: this.#outbox.agentId,
      stream: streamOf(outputs),
    };
    const lane = new Lane(outputs, this.#senders, head, this.#outbox, this.#clock, this.#telemetry);
    lane.onReady(this.#onReady);
    this.#lanes.set(key, lane);
    return lane;
  }
}

function keyOf({ outputs }: Branch): string {
  return outputs.map(({ id }) => id).join('\0');
}

function streamOf(outputs: Output[]): string {
  return outputs.find(({ stream }) => stream !== '')?.stream ?? 'logs';
}
