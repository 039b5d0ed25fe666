import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { jsonText } from '../../local/config-files.ts';
import { type Command, exitCodes, type Option, type Parsed } from '../command.ts';
import { auto } from '../shards/auto.ts';
import { integer, percentage } from '../shards/numbers.ts';
import { propose } from '../shards/plan.ts';
import { reportOf, reportText } from '../shards/report.ts';
import { runScale } from '../shards/run-scale.ts';
import { type Where, whereOf, whereOptions } from '../shards/where.ts';

type Action = (where: Where, parsed: Parsed, say: Say) => Promise<number>;

interface Say {
  stdout(text: string): void;
  stderr(text: string): void;
}

const actions: Record<string, Action> = {
  async status(where, parsed, say) {
    const report = await reportOf(where, windowMs(parsed, where, 5));
    say.stdout(parsed.flags.json ? jsonText(report) : reportText(report));
    return report.following ? exitCodes.ok : exitCodes.failed;
  },
  async plan(where, parsed, say) {
    const proposal = await propose(where, windowMs(parsed, where, 1_440), percentage(parsed, 'target', 60));
    const head =
      proposal.proposed === null
        ? 'no proposal'
        : `${proposal.proposed} shard${proposal.proposed === 1 ? '' : 's'} (${proposal.open} now)`;
    say.stdout(parsed.flags.json ? jsonText(proposal) : `${[head, ...proposal.why].join('\n  ')}\n`);
    return proposal.proposed === null ? exitCodes.failed : exitCodes.ok;
  },
  scale: (where, parsed, say) => runScale(where, scaleCount(parsed), parsed, say),
  auto: (where, parsed, say) => auto(where, parsed, windowMs(parsed, where, 15), say),
};

const number = (value: string, help: string): Option => ({ type: 'string', value, help });
/** Options that only some of the actions have. */
const own: Record<string, string[]> = {
  window: ['status', 'plan', 'auto'],
  target: ['plan', 'auto'],
  min: ['auto'],
  max: ['auto'],
  cooldown: ['auto'],
  apply: ['scale', 'auto'],
  by: ['scale', 'auto'],
  'behind-max': ['scale', 'auto'],
  'no-consumer': ['scale', 'auto'],
  patience: ['scale', 'auto'],
};

export const shards: Command = {
  name: 'shards',
  summary:
    "Show a stream's shards and how the consumer follows; propose how many; change how many there are.",
  usage: 'shards status|plan|scale N|auto [--config FILE | --stream NAME --region R] [--apply] …',
  details:
    'scale and auto look and tell; with --apply they act, step by step: the stream is ACTIVE and the consumer follows ' +
    'before the next step. What would lose data is refused. The same command goes on where an earlier one ended. ' +
    'docs/shards.md has the limits and the traps.',
  options: {
    ...whereOptions,
    window: number('MIN', 'What is looked at, minutes (default: status 5, plan 1440, auto 15).'),
    target: number('PERCENT', 'Part of what shards take that the peak may use (default 60).'),
    min: number('N', 'auto: never fewer shards (default 1).'),
    max: number('N', 'auto: never more shards (default 100).'),
    cooldown: number('MIN', 'auto: minutes after a change in which nothing is changed (default 30).'),
    apply: { type: 'boolean', help: 'scale, auto: change the shards. Without it nothing is.' },
    by: number(
      'WAY',
      'count: UpdateShardCount where it exists; split: SplitShard and MergeShards (default count).',
    ),
    'behind-max': number(
      'PERCENT',
      'Part of the retention that the oldest record that is not archived may have used up (default 25).',
    ),
    'no-consumer': { type: 'boolean', help: 'Nothing of Millrace reads this stream: wait for nobody.' },
    patience: number('MIN', 'Give up when nothing has moved for so many minutes (default 30).'),
    json: { type: 'boolean', help: 'Print JSON; auto: one line of it, with its exit code.' },
  },
  positionals: { min: 1, max: 2 },
  examples: [
    './millrace shards status',
    './millrace shards plan --config consumer.json --target 50',
    './millrace shards scale 8 --stream millrace --region eu-west-1 --apply',
    './millrace shards auto --stream millrace --region eu-west-1 --min 2 --max 40 --apply',
  ],
  exits: [
    [
      1,
      'it failed; status: the consumer does not read every open shard; plan: nothing was measured; auto: the consumers tell of no shard',
    ],
    [3, 'nothing runs there'],
    [4, 'refused: it would lose data, or Kinesis does not take it'],
    [5, 'not finished: the same command goes on later'],
    [6, 'auto without --apply: there is something to change'],
    [
      7,
      'auto: the shards are too few or uneven, and it must not mend that itself; the message says what to do',
    ],
  ],
  async run(context, parsed) {
    const [name = ''] = parsed.positionals;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) {
      const near = suggest(name, Object.keys(actions));
      throw new MillraceError('USAGE', `shards: no "${name}"${near ? `, did you mean ${near}?` : ''}`, {
        hint: `usage: ./millrace ${shards.usage}`,
      });
    }
    refuseOthers(name, parsed);
    const where = whereOf(context, parsed);
    if (where === undefined) return exitCodes.notRunning;
    try {
      return await action(where, parsed, context);
    } finally {
      where.close();
    }
  },
};

/** @throws MillraceError USAGE for what the action does not take */
function refuseOthers(name: string, parsed: Parsed): void {
  const given = [
    ...Object.keys(parsed.strings).filter((option) => parsed.strings[option] !== undefined),
    ...Object.keys(parsed.flags).filter((option) => parsed.flags[option]),
  ];
  const other = given.find((option) => own[option] !== undefined && !own[option].includes(name));
  if (other !== undefined)
    throw new MillraceError(
      'USAGE',
      `shards ${name} has no --${other}; ${own[other]?.join(' and ')} have it`,
    );
  if (name === 'scale') scaleCount(parsed);
  else if (parsed.positionals[1] !== undefined)
    throw new MillraceError('USAGE', `shards ${name}: "${parsed.positionals[1]}" is one argument too many`);
}

function scaleCount(parsed: Parsed): number {
  const text = parsed.positionals[1];
  if (text !== undefined && /^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new MillraceError(
    'USAGE',
    `shards scale: ${text === undefined ? 'to how many?' : `"${text}" is no number of shards`}`,
    {
      hint: './millrace shards scale 8',
    },
  );
}

/** The consumers' own metrics have no past: they are looked at for some seconds. */
function windowMs(parsed: Parsed, where: Where, minutes: number): number {
  if (!where.hasPast && parsed.strings.window === undefined) return 5_000;
  return integer(parsed, 'window', minutes, 1, 20_160) * 60_000;
}
