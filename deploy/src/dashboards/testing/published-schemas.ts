import { type TObject, type TProperties, Type } from 'typebox';
import type { Product, SavedObject } from '../saved-object.ts';

/**
 * The attributes that each product accepts, after what they publish. Kibana: `schemas` of its saved object types
 * (dashboard v1 with unknown keys forbidden, visualization 8.8.0, search 8.8.0; data views have none, the names are
 * those of its data view attributes). OpenSearch Dashboards: the mappings of its types, which are strict.
 */
const text = Type.String();
const optional = Type.Optional;
const meta = Type.Object({ searchSourceJSON: text }, { additionalProperties: false });
const closed = <T extends TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const refreshInterval = Type.Object(
  { pause: Type.Boolean(), value: Type.Number(), display: optional(text), section: optional(Type.Number()) },
  { additionalProperties: false },
);

const shared: Record<SavedObject['type'], TProperties> = {
  'index-pattern': {
    title: text,
    timeFieldName: optional(text),
    fields: optional(text),
    fieldFormatMap: optional(text),
    sourceFilters: optional(text),
    type: optional(text),
    typeMeta: optional(text),
  },
  search: {
    title: text,
    description: optional(text),
    columns: Type.Array(text),
    sort: Type.Array(Type.Array(text, { maxItems: 2 })),
    kibanaSavedObjectMeta: meta,
    hits: optional(Type.Number()),
    version: optional(Type.Number()),
  },
  visualization: {
    title: text,
    description: optional(text),
    version: optional(Type.Number()),
    kibanaSavedObjectMeta: optional(meta),
    uiStateJSON: optional(text),
    visState: optional(text),
    savedSearchRefName: optional(text),
  },
  dashboard: {
    title: text,
    description: optional(text),
    kibanaSavedObjectMeta: optional(meta),
    timeRestore: optional(Type.Boolean()),
    timeFrom: optional(text),
    timeTo: optional(text),
    refreshInterval: optional(refreshInterval),
    panelsJSON: optional(text),
    optionsJSON: optional(text),
    hits: optional(Type.Number()),
    version: optional(Type.Number()),
  },
};

/** What Kibana's types have besides. */
const kibana: Partial<Record<SavedObject['type'], TProperties>> = {
  'index-pattern': {
    name: optional(text),
    fieldAttrs: optional(text),
    runtimeFieldMap: optional(text),
    allowNoIndex: optional(Type.Boolean()),
  },
  search: {
    grid: optional(Type.Object({})),
    hideChart: optional(Type.Boolean()),
    isTextBasedQuery: optional(Type.Boolean()),
    timeRestore: optional(Type.Boolean()),
  },
};

export function publishedSchema(product: Product, type: SavedObject['type']): TObject {
  return closed({ ...shared[type], ...(product === 'kibana' ? kibana[type] : {}) });
}
