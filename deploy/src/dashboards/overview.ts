import { ids, type Product, type Reference, type SavedObject } from './saved-object.ts';

interface Panel {
  id: string;
  type: 'visualization' | 'search';
  x: number;
  y: number;
  w: number;
  h: number;
}

/** On a grid of 48 columns. */
const panels: Panel[] = [
  { id: ids.byLevel, type: 'visualization', x: 0, y: 0, w: 24, h: 12 },
  { id: ids.byTag, type: 'visualization', x: 24, y: 0, w: 24, h: 12 },
  { id: ids.topErrors, type: 'visualization', x: 0, y: 12, w: 24, h: 14 },
  { id: ids.lag, type: 'visualization', x: 24, y: 12, w: 24, h: 14 },
  { id: ids.hosts, type: 'visualization', x: 0, y: 26, w: 16, h: 18 },
  { id: ids.errors, type: 'search', x: 16, y: 26, w: 32, h: 18 },
];

/** The dashboard that the panels stand on. */
export function overview(product: Product): SavedObject {
  const placed = panels.map(({ id, type, ...place }, i) => {
    const name = String(i + 1);
    const panelRefName = `panel_${name}`;
    const reference: Reference = {
      id,
      // Kibana 8 names each panel's references by the panel; what came before, by the panel's number alone.
      name: product === 'kibana' ? `${name}:${panelRefName}` : panelRefName,
      type,
    };
    const version = product === 'kibana' ? '8.9.0' : '7.10.0';
    const gridData = { ...place, i: name };
    return {
      reference,
      panel: {
        version,
        gridData,
        panelIndex: name,
        embeddableConfig: {},
        panelRefName,
        ...(product === 'kibana' ? { type } : {}),
      },
    };
  });
  return {
    id: ids.dashboard,
    type: 'dashboard',
    attributes: {
      title: 'Millrace: overview',
      description: 'Volume by level and tag, errors, hosts, and how long events take to be found.',
      panelsJSON: JSON.stringify(placed.map(({ panel }) => panel)),
      optionsJSON: JSON.stringify({ hidePanelTitles: false, useMargins: true }),
      version: 1,
      timeRestore: true,
      timeFrom: 'now-1h',
      timeTo: 'now',
      refreshInterval: { pause: true, value: 30_000 },
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({ query: { query: '', language: 'lucene' }, filter: [] }),
      },
    },
    references: placed.map(({ reference }) => reference),
  };
}
