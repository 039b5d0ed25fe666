import { MillraceError } from '@millrace/core/errors.ts';
import { type CliContext, type Command, exitCodes, integerOption } from '../command.ts';
import { apiOf, apiOptions, NobodyAnswers } from '../search/api.ts';
import { follow } from '../search/follow.ts';
import { type Hit, lineOf, lookOf, lookOptions, tableText } from '../search/look.ts';
import { paged } from '../search/pager.ts';
import { type Found, newest } from '../search/pages.ts';
import { questionOf, questionOptions } from '../search/question.ts';

export const search: Command = {
  name: 'search',
  summary: 'Search from the terminal, oldest first, in the syntax that Kibana users type.',
  usage: "search 'QUERY' [--since 15m | --from TIME [--to TIME]] [--limit N] [--follow] [--json]",
  details:
    "A query may go on with pipes, whose answer is a table: 'level:error | count by tag' (docs/query.md).\n" +
    'On a terminal, levels and matches are in colour and long answers go through PAGER.',
  options: {
    ...questionOptions,
    limit: { type: 'string', value: 'N', default: '100', help: 'The newest N events.' },
    follow: { type: 'boolean', help: 'Go on with what arrives, until Ctrl-C.' },
    'no-pager': { type: 'boolean', help: 'Print it all at once.' },
    ...lookOptions,
    ...apiOptions,
  },
  positionals: { min: 1, max: 1 },
  examples: [
    "./millrace search 'error AND host.name:web-3' --since 1h",
    "./millrace search 'http.response.status_code:[500 TO 599]' --follow",
    "./millrace search 'level:error | top 10 tag' --since 1d",
    "./millrace search '*' --limit 10000 --json | jq -r .message",
  ],
  exits: [
    [1, 'the search failed'],
    [3, 'no search API answers there'],
  ],
  async run(context, parsed) {
    const question = questionOf(parsed);
    const limit = integerOption(parsed, 'limit', 1, 1_000_000);
    const look = lookOf(context, parsed);
    const api = apiOf(context, parsed);
    const lines = (hits: Hit[]) => hits.map((hit) => lineOf(hit, look)).join('');
    const find = async () => {
      const found = await newest(api, question, limit);
      tellPartial(context, found);
      if (found.table !== undefined && parsed.flags.follow) throw tableFollowed();
      return found;
    };
    try {
      if (parsed.flags.follow) {
        await follow(context, api, question, limit, find, (hits) => context.stdout(lines(hits)));
        return exitCodes.ok;
      }
      const found = await find();
      const text = found.table === undefined ? lines(found.hits) : tableText(found.table, look);
      await (parsed.flags['no-pager'] ? context.stdout(text) : paged(context, text));
    } catch (error) {
      if (!(error instanceof NobodyAnswers)) throw error;
      return nobodyAnswers(context, error);
    }
    return exitCodes.ok;
  },
};

function tableFollowed(): MillraceError {
  return new MillraceError('USAGE', '--follow shows events, and a pipe makes a table of them', {
    hint: 'leave the pipe away, or --follow',
  });
}

function tellPartial(context: CliContext, { partial }: Found): void {
  for (const { message } of partial) context.stderr(`not everything was looked at: ${message}\n`);
}

/** What every command says and returns then. */
export function nobodyAnswers(context: CliContext, { url, message }: NobodyAnswers): number {
  context.stderr(`no search API answers on ${url} (${message}); ./millrace up starts one\n`);
  return exitCodes.notRunning;
}
