import { nextCallMs } from './count-steps.ts';
import { watchLeases } from './following.ts';
import { coverOnce } from './hash-range.ts';
import { behindOf, look, shardsAllowed, type View, type World } from './look.ts';
import { refusals } from './refusals.ts';
import { nextStep, planSteps, type StepRules, stepText } from './steps.ts';
import { StepTaker, type TakeOptions } from './take-steps.ts';

export interface ScaleOptions extends TakeOptions {
  /** False: look, and say what would be done. */
  apply: boolean;
  behindMax: number;
  noConsumer: boolean;
  /** The KCL's: a lease that was not renewed for so long is taken by others. */
  failoverMs: number;
}

/**
 * `done`: as many even shards as wanted · `planned`: what would be done · `refused`: it would lose data, or Kinesis does not
 * take it; steps may have been done before · `unfinished`: the same command goes on later.
 */
export interface ScaleResult {
  kind: 'done' | 'planned' | 'refused' | 'unfinished';
  /** Steps that were done, or that would be. */
  steps: string[];
  /** Reasons of the last two kinds. */
  why: string[];
  open: number;
  /** Each open shard was seen to be read; false when that was not asked. */
  following: boolean;
}

const pollMs = 2_000;
/** The KCL takes leases that nobody holds every two failover times. */
const takenWithin = 4;
/** Each step brings the bounds nearer; more looks are only needed when somebody else reshards too. */
const roundsMax = 2_000;
/** What ListShards says may be older than the state is. */
const listedAgainMax = 5;

/**
 * Brings a stream to `count` even shards. Nothing is kept between runs: each step follows from what the stream and the
 * leases say, so an interrupted run is continued by the next.
 * @throws MillraceError STREAM_UNAVAILABLE
 */
export function scale(world: World, options: ScaleOptions): Promise<ScaleResult> {
  return new Scaling(world, options).run();
}

class Scaling {
  readonly #world: World;
  readonly #options: ScaleOptions;
  readonly #taker: StepTaker;

  constructor(world: World, options: ScaleOptions) {
    this.#world = world;
    this.#options = options;
    this.#taker = new StepTaker(world, options);
  }

  async run(): Promise<ScaleResult> {
    const { apply, decidedOn } = this.#options;
    let view = await this.#begin();
    this.#taker.expect((decidedOn ?? view).history.begun);
    for (let round = 0; round < roundsMax; round++) {
      const ready = apply ? await this.#ready(view) : view;
      if (typeof ready === 'string') return this.#unfinished(view, [ready]);
      view = ready;
      const step = nextStep(view.open, this.#rules(view));
      const acts = typeof step === 'object' && step.kind !== 'later';
      if (acts || round === 0) {
        const why = await this.#refusals(view);
        if (why.length > 0) return this.#result('refused', view, why);
      }
      if (!apply) return this.#plan(view);
      if (step === undefined) return this.#followed(view);
      if (step === 'wait') {
        const follows = await this.#until(view, 'the consumer follows', (now) => this.#canGoOn(now));
        if (follows === undefined) return this.#unfinished(view, this.#notFollowed(view));
        view = follows;
        continue;
      }
      if (step.kind === 'later') return this.#unfinished(view, [laterText(step.atMs)]);
      // Who asks whether everything is read waits for leases to be renewed: the step may be another by now.
      const now = await look(this.#world, view);
      if (now.state.status === 'ACTIVE' && this.#isNext(stepText(step, view.open), now)) {
        const stopped = await this.#taker.take(step, now);
        if (stopped !== undefined) return this.#unfinished(now, [stopped]);
      }
      view = await look(this.#world, now);
    }
    return this.#unfinished(view, ['too many steps: does somebody else change the shards too?']);
  }

  #isNext(text: string, view: View): boolean {
    const step = nextStep(view.open, this.#rules(view));
    return typeof step === 'object' && step.kind !== 'later' && stepText(step, view.open) === text;
  }

  /** The stream ACTIVE, and its shards as they are; else why there is no such thing. */
  async #ready(before: View): Promise<View | string> {
    let view = before;
    for (let again = 0; view.state.status !== 'DELETING'; again++) {
      const isActive = ({ state }: View) => state.status === 'ACTIVE';
      const active = await this.#until(view, 'the stream is ACTIVE', isActive);
      if (active === undefined) return `the stream is still ${view.state.status}`;
      view = active;
      const whole = coverOnce(view.open);
      if (whole && (this.#taker.agrees(view) || again >= listedAgainMax)) break;
      if (again >= listedAgainMax) return 'the open shards as they are listed do not have each key once';
      await this.#world.clock.sleep(pollMs);
      view = await look(this.#world, view);
    }
    this.#taker.conclude(view);
    return view;
  }

  /** After a change that somebody made a moment ago it may be that no lease is held: the KCL looks for such by turns. */
  async #begin(): Promise<View> {
    const view = await look(this.#world);
    const { noConsumer, failoverMs } = this.#options;
    if (noConsumer || view.state.onDemand || (view.leases ?? []).length === 0) return view;
    const somebody = ({ follow }: View) => [...follow.values()].includes('read');
    return (await this.#until(view, 'somebody reads', somebody, takenWithin * failoverMs)) ?? view;
  }

  #rules(view: View): StepRules {
    const { count, noConsumer } = this.#options;
    return {
      count,
      // Of what is open already nothing has to be allowed.
      most: Math.max(shardsAllowed(view), view.open.length),
      byCount: this.#taker.byCount,
      may: (shard) => noConsumer || view.follow.get(shard) === 'read',
      calls: view.history.countCalls,
      nowMs: this.#world.clock.now(),
    };
  }

  #canGoOn(view: View): boolean {
    return view.state.status === 'ACTIVE' && nextStep(view.open, this.#rules(view)) !== 'wait';
  }

  async #refusals(view: View): Promise<string[]> {
    const { noConsumer, failoverMs } = this.#options;
    const reading =
      noConsumer || view.state.onDemand
        ? { behind: new Map<string, number>(), unread: [] }
        : {
            behind: await behindOf(this.#world, view),
            unread: (await watchLeases(this.#world.leases, failoverMs, this.#world.clock)).unread,
          };
    return refusals(view, reading, this.#options);
  }

  #plan(view: View): ScaleResult {
    // Where limits are unknown there is no AWS, and as a rule no UpdateShardCount.
    const rules = { ...this.#rules(view), byCount: this.#options.byCount && view.account !== undefined };
    const steps = planSteps(view.open, rules);
    const nowMs = this.#world.clock.now();
    const atMs = nextCallMs(view.history.countCalls, nowMs);
    const why =
      view.state.status === 'ACTIVE' ? [] : [`the stream is ${view.state.status}: this is waited for`];
    if (steps[0]?.kind === 'count' && atMs > nowMs) why.push(laterText(atMs));
    const kind = steps.length === 0 ? 'done' : 'planned';
    const texts = steps.map((step) => stepText(step, view.open));
    return { kind, steps: texts, why, open: view.open.length, following: false };
  }

  /** The end: every open shard is read by somebody, whose name in the lease is not enough. */
  async #followed(view: View): Promise<ScaleResult> {
    const { noConsumer, failoverMs } = this.#options;
    if (noConsumer) return this.#result('done', view);
    const all = (now: View) => now.open.every(({ id }) => now.follow.get(id) === 'read');
    const end = await this.#until(view, 'the consumer follows', all);
    if (end === undefined) return this.#unfinished(view, this.#notFollowed(view));
    const { unread } = await watchLeases(this.#world.leases, failoverMs, this.#world.clock);
    if (unread.length > 0)
      return this.#unfinished(end, [`nobody renews the lease of ${unread.join(', ')}: does its worker run?`]);
    return { ...this.#result('done', end), following: true };
  }

  /** Looks until it is so; undefined when nothing changed for too long. */
  async #until(
    view: View,
    what: string,
    so: (view: View) => boolean,
    patienceMs = this.#options.patienceMs,
  ): Promise<View | undefined> {
    const { clock } = this.#world;
    const { noConsumer, tell } = this.#options;
    let last = '';
    let sinceMs = clock.monotonic();
    for (let now = view; ; ) {
      if (so(now)) return now;
      const read = now.open.filter(({ id }) => now.follow.get(id) === 'read').length;
      const followed = noConsumer ? '' : `, ${read} of ${now.open.length} shards are read`;
      const text = `waiting until ${what}: ${now.state.status}${followed}`;
      const seen = `${text} ${JSON.stringify([...now.follow])}`;
      if (seen !== last) {
        tell(text);
        last = seen;
        sinceMs = clock.monotonic();
      } else if (clock.monotonic() - sinceMs > patienceMs) return undefined;
      await clock.sleep(pollMs);
      now = await look(this.#world, now);
    }
  }

  #notFollowed(view: View): string[] {
    const waiting = view.open.filter(({ id }) => view.follow.get(id) !== 'read').map(({ id }) => id);
    if (waiting.length === 0)
      return [
        `the account has no room for a step of what is left: ${view.account?.shardsOpen} of ` +
          `${view.account?.shardsMax} shards are open in this region; ask for more in Service Quotas`,
      ];
    return [
      `the consumer does not read ${waiting.join(', ')} yet; ./millrace shards status tells more, ` +
        'the same command goes on later',
    ];
  }

  #unfinished(view: View, why: string[]): ScaleResult {
    return this.#result('unfinished', view, why);
  }

  #result(kind: ScaleResult['kind'], view: View, why: string[] = []): ScaleResult {
    return { kind, steps: this.#taker.taken, why, open: view.open.length, following: false };
  }
}

function laterText(atMs: number): string {
  const when = new Date(atMs).toISOString().slice(0, 16);
  return (
    `Kinesis takes ten UpdateShardCount calls in 24 hours; the next one at ${when} UTC. The same command goes on then, ` +
    'or now with --by split'
  );
}
