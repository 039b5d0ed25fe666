import { crc32 } from 'node:zlib';
import { MillraceError } from '../errors.ts';
import { eventId } from '../ids/event-id.ts';
import { generationText } from '../ids/generation.ts';
import { assertStreamName } from '../ids/stream-name.ts';
import { captureTime, isoTime } from '../parse/calendar.ts';
import { asciiText, withoutTerminator } from '../parse/encoding.ts';
import { parseRule } from '../rule/rule.ts';
import type { Block, BlockRecord, Run, Source } from '../wire/block.ts';
import { containerFields } from './container-path.ts';
import { indexNames } from './index-name.ts';
import { quoted, quotedLong } from './json-text.ts';
import { pieceBody, recordBody } from './record-body.ts';
import { RepeatedText } from './repeated.ts';
import { createPlanCache, planWith, type RulePlan } from './rule-plan.ts';
import type { SeenEvent } from './seen-event.ts';
import type { RenderedDocument } from './types.ts';

/** Records of one source that no document could be made of: its rule is of a newer version or cannot be compiled. */
export interface Unrendered {
  source: Source;
  /** RULE_INVALID. */
  error: MillraceError;
  /** Event ids. */
  ids: string[];
}

export interface Renderer {
  /**
   * Emits one document per record, in order; a function of the block alone (D13). Records whose rule is not
   * understood are not emitted but returned: an upgraded consumer can still index them under the same ids. `see` is
   * called for each event, before it is emitted.
   * @throws MillraceError CONFIG_INVALID for a stream name that cannot name an index
   */
  renderBlock(
    block: Block,
    records: Iterable<BlockRecord>,
    emit: (document: RenderedDocument) => void,
    see?: (event: SeenEvent) => void,
  ): Unrendered[];
}

/** A renderer keeps compiled rules between blocks, nothing else. */
export function createRenderer(): Renderer {
  const planOf = createPlanCache(parseRule);
  return {
    renderBlock(block, records, emit, see) {
      const rendering = new BlockRendering(block, planOf, see);
      for (const record of records) {
        const document = rendering.render(record);
        if (document !== undefined) emit(document);
      }
      return [...rendering.unrendered.values()];
    },
  };
}

/** Of a block, that are read one by one: who searches needs few records of many. */
const piecesMax = 32;

/** What all documents of a source share. */
interface SourcePlan {
  plan: RulePlan;
  /** From `tag` up to the number of `log.offset`. */
  head: string;
  /** `event` and the end of the document, where the bulk action (store/action.ts) adds its own members. */
  tail: string;
}

class BlockRendering {
  readonly unrendered = new Map<Source, Unrendered>();
  private readonly block: Block;
  private readonly planOf: (text: string) => RulePlan | MillraceError;
  private readonly see: ((event: SeenEvent) => void) | undefined;
  private readonly bytes: Buffer;
  /** All of the payload, once so many records of it are asked for that one text of all costs less. */
  private text: string | undefined;
  private pieces = 0;
  private readonly sources = new Map<Source, SourcePlan | MillraceError>();
  /** By rule: more rules than a renderer keeps must not be compiled for each source anew. */
  private readonly plans: (RulePlan | MillraceError | undefined)[] = [];
  private readonly repeated: RepeatedText;
  private readonly nameIndex: ReturnType<typeof indexNames>;
  private readonly cutEnds: Map<Run, number>;

  constructor(
    block: Block,
    planOf: (text: string) => RulePlan | MillraceError,
    see: ((event: SeenEvent) => void) | undefined,
  ) {
    assertStreamName(block.header.stream, 'block');
    this.block = block;
    this.planOf = planOf;
    this.see = see;
    this.bytes = Buffer.from(block.payload.buffer, block.payload.byteOffset, block.payload.length);
    this.nameIndex = indexNames(block.header.stream);
    this.cutEnds = cutEnds(block.header.runs);
    this.repeated = new RepeatedText(block);
  }

  render(record: BlockRecord): RenderedDocument | undefined {
    const { source, start, end, offset, run } = record;
    const id = eventId(source.generation, offset, crc32(this.bytes.subarray(start, end)));
    const shared = this.sourcePlan(source);
    if (shared instanceof MillraceError) {
      this.setAside(source, shared, id);
      return undefined;
    }
    const { plan, head, tail } = shared;
    const text = this.textOf(plan, start, end);
    const captured = captureTime(run.capturedMs);
    const parsed = isPiece(record, this.cutEnds)
      ? undefined
      : plan.compiled.parse(text, run.capturedMs, plan.outer);
    const body = parsed === undefined ? pieceBody(plan, text) : recordBody(plan, parsed, text);
    const time = parsed?.time ?? captured;
    const level = body.level === undefined ? '' : `,"level":"${body.level}"`;
    const opening = `{"@timestamp":"${isoTime(time)}","message":${quotedLong(body.message)}`;
    const document: RenderedDocument = {
      index: this.nameIndex(time.seconds, captured.seconds),
      id,
      source: `${opening}${head}${offset}${level}}${body.json}${tail}`,
    };
    if (this.see !== undefined)
      this.see({ seconds: time.seconds, header: this.block.header, source, plan, parsed, body });
    if (body.error !== undefined) document.error = `${body.error.type}: ${body.error.message}`;
    return document;
  }

  private textOf(plan: RulePlan, start: number, end: number): string {
    const { bytes } = this;
    if (++this.pieces === piecesMax) this.text = asciiText(bytes);
    const { text } = this;
    const whole = text !== undefined && plan.utf8 ? text.slice(start, end) : plan.decode(bytes, start, end);
    return withoutTerminator(whole);
  }

  private sourcePlan(source: Source): SourcePlan | MillraceError {
    let shared = this.sources.get(source);
    if (shared === undefined) {
      shared = this.planSource(source);
      this.sources.set(source, shared);
    }
    return shared;
  }

  private planSource(source: Source): SourcePlan | MillraceError {
    const { rules, stream, host } = this.block.header;
    const text = rules[source.rule];
    if (text === undefined) return new MillraceError('RULE_INVALID', `the block has no rule ${source.rule}`);
    const plan = this.plans[source.rule] ?? this.planOf(text);
    this.plans[source.rule] = plan;
    if (plan instanceof MillraceError) return plan;
    const names = `,"tag":${quoted(source.tag)},"stream":"${stream}","host":{"name":${quoted(host)}}`;
    const head = `${names},"log":{"file":{"path":${quoted(source.path)}},"offset":`;
    const refusal = this.repeated.refusal(head.length + plan.addedMembers.json.length);
    if (refusal !== undefined) return refusal;
    return {
      plan: sourcePlan(plan, source.path),
      head,
      tail: `,"event":{"generation":"${generationText(source.generation)}"}}`,
    };
  }

  private setAside(source: Source, error: MillraceError, id: string): void {
    const known = this.unrendered.get(source);
    if (known === undefined) this.unrendered.set(source, { source, error, ids: [id] });
    else known.ids.push(id);
  }
}

/** Where records come from containers the path says which: a function of the block, like all else. */
function sourcePlan(plan: RulePlan, path: string): RulePlan {
  const { type } = plan.compiled.rule.parse;
  const fields = type === 'cri' || type === 'docker' ? containerFields(path) : undefined;
  return fields === undefined ? plan : planWith(plan, fields);
}

/** Payload positions where runs end whose last record goes on in a later run. */
function cutEnds(runs: Run[]): Map<Run, number> {
  const ends = new Map<Run, number>();
  let at = 0;
  for (const run of runs) {
    if (run.continued) ends.set(run, at + run.size);
    at += run.size + (run.filler ? 1 : 0);
  }
  return ends;
}

/** True for a part of a record that was cut at the size limit. */
function isPiece(record: BlockRecord, ends: Map<Run, number>): boolean {
  const { run, offset, end } = record;
  return (run.continues && offset === run.from) || (run.continued && ends.get(run) === end);
}
