import { MillraceError } from '@millrace/core/errors.ts';
import { isStreamName } from '@millrace/core/ids/stream-name.ts';
import type { ConsumerConfig } from '../config.ts';
import { fleetRetention } from '../retention/open.ts';
import type { RetentionReport } from '../retention/retention.ts';
import { integerFlag, parseArguments } from './arguments.ts';
import { type Fleet, withFleet } from './fleet.ts';
import type { CommandContext, ConsumerCommand } from './registry.ts';

export const retention: ConsumerCommand = {
  name: 'retention',
  summary: 'Delete the indices of days that are over, when the archive answers for all they hold.',
  usage: `usage: retention [--days N] [--stream NAME] [--store NAME] [--replayed] [--dry-run] [--json]

  --days N       whole days before today that stay (default retention.days of the configuration)
  --stream NAME  this stream only
  --store NAME   in this one of the further stores, not in the store of search
  --replayed     also the indices that replays of older days made
  --dry-run      say what would go, move and delete nothing
  --json         one line of JSON for each index

Exit code 1: an index must stay, and why is said.
`,
  async run(args, context) {
    const { values } = parseArguments(args, {
      days: { type: 'string' },
      stream: { type: 'string' },
      store: { type: 'string' },
      replayed: { type: 'boolean' },
      'dry-run': { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const days =
      values.days === undefined ? context.config.retention.days : integerFlag('days', values.days, 1, 36_500);
    if (days === undefined) {
      throw new MillraceError('USAGE', 'retention: how many days stay is not said', {
        hint: 'give --days N, or set retention.days in the configuration',
      });
    }
    const { stream } = values;
    if (stream !== undefined && !isStreamName(stream)) {
      throw new MillraceError('USAGE', `--stream ${stream} is no stream name`);
    }
    const dryRun = values['dry-run'] === true;
    const request = { days, dryRun, replayed: values.replayed === true, ...(stream ? { stream } : {}) };
    const { config, clock, signal } = context;
    const further = values.store === undefined ? undefined : furtherStore(config, values.store);
    const retainIn = async (fleet: Fleet) => {
      const name = further === undefined ? {} : { name: further.name };
      const report = await fleetRetention({ ...fleet, ...name, config, clock })(request, signal);
      if (report === undefined) {
        context.stderr('retention: another process is at it; try again when it is done\n');
        return 1;
      }
      await tell(context, report, dryRun, values.json === true);
      return report.refused.length > 0 ? 1 : 0;
    };
    return withFleet(context, retainIn, further?.store);
  },
};

function furtherStore({ stores }: ConsumerConfig, name: string): ConsumerConfig['stores'][number] {
  const found = stores.find((store) => store.name === name);
  if (found !== undefined) return found;
  const known = stores.map((store) => store.name);
  throw new MillraceError('USAGE', `--store ${name}: there is no further store of that name`, {
    hint:
      known.length === 0
        ? 'the configuration has no "stores"'
        : `"stores" of the configuration: ${known.join(', ')}`,
  });
}

async function tell(
  { stdout, stderr }: CommandContext,
  { cutoff, deleted, refused, horizons }: RetentionReport,
  dryRun: boolean,
  json: boolean,
): Promise<void> {
  const done = dryRun ? 'would be deleted' : 'deleted';
  for (const { index, documents, bytes } of deleted) {
    await stdout(
      json
        ? `${JSON.stringify({ index, documents, bytes, outcome: dryRun ? 'would delete' : 'deleted' })}\n`
        : `${index}  ${documents} events  ${bytes} bytes  ${done}\n`,
    );
  }
  for (const { index, documents, bytes, events, setAside, problems } of refused) {
    await stdout(
      json
        ? `${JSON.stringify({ index, documents, bytes, archived: events, set_aside: setAside, outcome: 'stays', problems })}\n`
        : `${index}  ${documents} events  ${bytes} bytes  stays:\n${problems.map((problem) => `  ${problem}\n`).join('')}`,
    );
  }
  if (json) return;
  const moved = [...horizons].map(([stream, date]) => `${stream} ${date}`).join(', ');
  stderr(`days before ${cutoff} go: ${deleted.length} ${done}, ${refused.length} stay\n`);
  if (moved !== '') stderr(`${dryRun ? 'hot horizons would be' : 'hot horizons'}: ${moved}\n`);
}
