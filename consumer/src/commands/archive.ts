import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { catObjects } from './archive-cat.ts';
import { grepObjects } from './archive-grep.ts';
import { listObjects } from './archive-ls.ts';
import { restoreFiles } from './archive-restore.ts';
import { verifyObjects } from './archive-verify.ts';
import type { ConsumerCommand } from './registry.ts';

const actions = new Map([
  ['ls', listObjects],
  ['cat', catObjects],
  ['grep', grepObjects],
  ['restore', restoreFiles],
  ['verify', verifyObjects],
]);

export const archive: ConsumerCommand = {
  name: 'archive',
  summary: 'List, search, verify the archive, and write files back byte for byte.',
  usage: `usage: archive ls      [SELECTION] [--no-marks] [--json]
       archive cat     OBJECT… | SELECTION
       archive grep    TEXT [OBJECT…] [SELECTION] [--regex] [--ignore-case] [--invert] [--count] [--max N]
                       [--bytes | --json]
       archive restore --host H --file F --out DIR/|FILE [--generation HEX] [--tag T] [--stream S]
                       [--from T --to T] [--force] [--progress] [--json]
       archive verify  [OBJECT…] [--stream S] [--from T --to T] [--quick | --deep] [--parallel N]
                       [--progress] [--json]

SELECTION, each of the first four several times, with * for any text:
  --stream S  --host H  --file /var/log/x.log  --tag T   whose objects or lines
  --from T    --to T    when the agent read them: -2h, now-1d, 2026-11-22, 2026-11-22T10:30:00Z

ls       objects with their time, bytes, events, hosts, tags, and whether they are indexed (MARK)
cat      the original bytes
grep     lines that hold TEXT; --bytes prints nothing but their bytes
restore  files as they were on the server, one for each life of a file, with their SHA-256; what is missing or was
         removed or rewritten by a filter is named with its byte range
verify   every block's checksums and id, and that the footer agrees with the blocks; --deep counts the events of
         each date too, --quick reads footers only

Exit codes: 0 fine, 1 bytes are missing, an object is bad, or nothing was found, 2 wrong usage.
`,
  async run([action, ...args], context) {
    const run = actions.get(action ?? '');
    if (run !== undefined) return run(args, context);
    const near = action === undefined ? undefined : suggest(action, [...actions.keys()]);
    const what = action === undefined ? 'an action is missing' : `unknown action "${action}"`;
    throw new MillraceError('USAGE', `archive: ${what}${near ? `, did you mean "${near}"?` : ''}`, {
      hint: `actions: ${[...actions.keys()].join(', ')}`,
    });
  },
};
