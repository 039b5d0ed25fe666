import type { LoadEnvironment } from './load.ts';
import { parsers } from './plugins/parsers.ts';
import type { ParsedBy } from './plugins/plugin.ts';
import { pluginOf } from './plugins/registry.ts';
import { Problems } from './problems.ts';
import type { ConfigSection } from './syntax/tree.ts';

/**
 * A parser named on a command line: `json`, or `/expression/` for regexp.
 * @throws MillraceError CONFIG_INVALID
 */
export function compileParseOption(format: string, environment: LoadEnvironment): ParsedBy {
  const { env, hostname, timeZone } = environment;
  const place = { file: '--format', line: 1 };
  const param = (value: string) => ({ value, quoted: false, ...place });
  const expression = format.startsWith('/');
  const section: ConfigSection = {
    name: 'parse',
    arg: '',
    params: new Map([['@type', param(expression ? 'regexp' : format)]]),
    children: [],
    ...place,
  };
  if (expression) section.params.set('expression', param(format));
  const problems = new Problems();
  const parsed = pluginOf(parsers, section).compile(section, {
    problems,
    env,
    hostname,
    timeZone,
    number: 1,
  });
  problems.throwIfAny();
  return parsed;
}
