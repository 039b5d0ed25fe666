import { dataView, discoverSearches } from './discover.ts';
import { overview } from './overview.ts';
import type { Product, SavedObject } from './saved-object.ts';
import { visualizations } from './visualizations.ts';

/** The versions whose form the objects have; a newer product migrates them as it imports. */
const versions: Record<Product, Record<SavedObject['type'], string>> = {
  kibana: { 'index-pattern': '8.0.0', search: '8.0.0', visualization: '8.5.0', dashboard: '8.9.0' },
  'opensearch-dashboards': {
    'index-pattern': '7.6.0',
    search: '7.9.3',
    visualization: '7.10.0',
    dashboard: '7.9.3',
  },
};

/** The saved-objects file of a product, as its import takes it: one object a line, what is referred to first. */
export function savedObjectsFile(product: Product): string {
  const objects = [dataView(product), ...discoverSearches(), ...visualizations(), overview(product)];
  return objects
    .map((object) => `${JSON.stringify({ ...object, ...versionsOf(product, object) })}\n`)
    .join('');
}

function versionsOf(product: Product, { type }: SavedObject): Record<string, unknown> {
  const version = versions[product][type];
  return product === 'kibana'
    ? { coreMigrationVersion: '8.8.0', typeMigrationVersion: version, managed: false }
    : { migrationVersion: { [type]: version } };
}
