import { type Command, exitCodes, integerOption } from '../command.ts';
import { answered, apiOf, apiOptions, ask, NobodyAnswers } from '../search/api.ts';
import { type Hit, lineOf, lookOf, lookOptions } from '../search/look.ts';
import { paged } from '../search/pager.ts';
import { nobodyAnswers } from './search.ts';

interface Context {
  hits: Hit[];
  index: number;
  start_reached: boolean;
  end_reached: boolean;
  partial: { message: string }[];
}

const lines = (help: string) => ({ type: 'string' as const, value: 'N', help });

export const contextCommand: Command = {
  name: 'context',
  summary: 'Show the lines around an event in its file, also across rotation and from the archive.',
  usage: 'context ID [-n N | --before N --after N]',
  details: 'ID is the id of an event, as search --json prints it. Its line begins with >.',
  options: {
    lines: { ...lines('Lines before, and lines after.'), default: '20' },
    before: lines('Lines before (default: --lines).'),
    after: lines('Lines after (default: --lines).'),
    'no-pager': { type: 'boolean', help: 'Print it all at once.' },
    ...lookOptions,
    ...apiOptions,
  },
  positionals: { min: 1, max: 1 },
  examples: ['./millrace context AaIEVZ4lco6dG3RpKj9-EQAAAABfjG0qpNM --before 100 --after 10'],
  exits: [
    [1, 'there is no such event, or the search failed'],
    [3, 'no search API answers there'],
  ],
  async run(context, parsed) {
    const both = integerOption(parsed, 'lines', 0, 1000);
    const side = (name: string) =>
      parsed.strings[name] === undefined ? both : integerOption(parsed, name, 0, 1000);
    const look = lookOf(context, parsed);
    const id = parsed.positionals[0] ?? '';
    const parameters = { id, before: side('before'), after: side('after') };
    try {
      const response = await ask(apiOf(context, parsed), 'context', parameters);
      const { hits, index, partial } = answered(await response.text()) as Context;
      const mark = (i: number) => (look.json ? '' : i === index ? '> ' : '  ');
      for (const { message } of partial) context.stderr(`not everything was looked at: ${message}\n`);
      const text = hits.map((hit, i) => `${mark(i)}${lineOf(hit, look)}`).join('');
      await (parsed.flags['no-pager'] ? context.stdout(text) : paged(context, text));
      return exitCodes.ok;
    } catch (error) {
      if (!(error instanceof NobodyAnswers)) throw error;
      return nobodyAnswers(context, error);
    }
  },
};
