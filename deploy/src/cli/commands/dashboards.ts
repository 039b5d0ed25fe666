import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { type ImportTarget, importDashboards } from '../../dashboards/import.ts';
import { ids, type Product, products } from '../../dashboards/saved-object.ts';
import { type CliContext, type Command, exitCodes, type Parsed } from '../command.ts';

export const dashboards: Command = {
  name: 'dashboards',
  summary: 'Import data view, searches, charts and a dashboard into Kibana or OpenSearch Dashboards.',
  usage: 'dashboards import --url URL [--type kibana|opensearch-dashboards] [--space NAME]',
  details:
    'The files are deploy/dashboards/*.ndjson. What an earlier import made is replaced. Credentials come from\n' +
    'MILLRACE_DASHBOARDS_AUTH: "ApiKey …" or "Basic …".',
  options: {
    url: { type: 'string', value: 'URL', default: 'http://localhost:5601', help: 'Address of the product.' },
    type: { type: 'string', value: 'NAME', help: 'Which of the two it is (default: it is asked).' },
    space: { type: 'string', value: 'NAME', help: 'Space of Kibana (default: the default space).' },
  },
  positionals: { min: 1, max: 1 },
  examples: [
    './millrace dashboards import --url http://localhost:5601',
    './millrace dashboards import --url https://kibana.example.com --space logs',
  ],
  exits: [[1, 'it was refused, or nobody answers']],
  async run(context, parsed) {
    const [what] = parsed.positionals;
    if (what !== 'import')
      throw new MillraceError('USAGE', `dashboards: there is no "${what}"`, {
        hint: `usage: ./millrace ${dashboards.usage}`,
      });
    const target = targetOf(context, parsed);
    const { product, objects } = await importDashboards(target, (name) => fileOf(context.root, name));
    const page = `${target.url.replace(/\/+$/, '')}/app/dashboards#/view/${ids.dashboard}`;
    context.stdout(`${objects} objects imported into ${product}.\n  ${page}\n`);
    return exitCodes.ok;
  },
};

function targetOf(context: CliContext, { strings }: Parsed): ImportTarget {
  const { url = '', type, space } = strings;
  if (!/^https?:\/\/[^/]/.test(url))
    throw new MillraceError('USAGE', `--url "${url}" is no address`, { hint: '--url http://localhost:5601' });
  const authorization = context.env.MILLRACE_DASHBOARDS_AUTH;
  return {
    url,
    ...(type === undefined ? {} : { product: productOf(type) }),
    ...(space === undefined ? {} : { space }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}

function productOf(name: string): Product {
  const product = products.find((known) => known === name);
  if (product !== undefined) return product;
  const near = suggest(name, [...products]);
  throw new MillraceError('USAGE', `--type "${name}" is not known`, {
    hint: near === undefined ? `it is one of ${products.join(', ')}` : `did you mean ${near}?`,
  });
}

function fileOf(root: string, product: Product): string {
  return readFileSync(join(root, 'deploy', 'dashboards', `${product}.ndjson`), 'utf8');
}
