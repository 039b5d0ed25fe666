import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Facet } from '../api/types.ts';
import { columnName, fieldsOf } from '../list/values.ts';
import { columns, filterBy, toggleColumn } from '../shell/actions.ts';
import { Icon } from '../shell/icons.tsx';
import { facetNames, facets, facetsProblem, fields, hasFacets, toggleFacet } from '../state/facets.ts';
import { generation, rowCount, rows } from '../state/search.ts';
import { countText, percentText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { ValueBars } from './bars.tsx';
import { openStats } from './stats.tsx';

/** Values of the fields that matter, counted; and all fields, for columns and statistics. */
export function Sidebar({ close }: { close: () => void }) {
  return (
    <aside class="sidebar" aria-label={t('fields')}>
      <div class="sidebar-head">
        <h2>{t('fields')}</h2>
        <button type="button" class="icon-button sidebar-close" aria-label={t('close')} onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {facetsProblem.value && <p class="muted pad">{facetsProblem.value.message}</p>}
      {hasFacets.value &&
        facets.value
          ?.filter(({ values }) => values.length > 0)
          .map((facet) => <FacetBox key={facet.field} facet={facet} />)}
      <AllFields />
    </aside>
  );
}

function FacetBox({ facet: { field, values, other, missing, distinct } }: { facet: Facet }) {
  const folded = useSignal(false);
  const total = values.reduce((sum, { count }) => sum + count, 0) + other;
  return (
    <section class="facet">
      <h3>
        <button
          type="button"
          class="fold-facet"
          aria-expanded={!folded.value}
          onClick={() => (folded.value = !folded.value)}
        >
          <Icon name="down" /> {field}
        </button>
        <button
          type="button"
          class="link"
          title={t('stats.open', { name: field })}
          aria-label={`${countText(distinct, manner.value)} – ${t('stats.open', { name: field })}`}
          onClick={() => openStats(field)}
        >
          {countText(distinct, manner.value)}
        </button>
      </h3>
      {!folded.value && (
        <>
          <ValueBars
            values={values}
            total={Math.max(1, total)}
            onFilter={(value, negate) => filterBy(field, value, negate)}
          />
          {(other > 0 || missing > 0) && (
            <p class="muted facet-rest">
              {other > 0 && t('facets.other', { count: countText(other, manner.value) })}
              {other > 0 && missing > 0 && ' · '}
              {missing > 0 && t('facets.missing', { count: countText(missing, manner.value) })}
            </p>
          )}
        </>
      )}
    </section>
  );
}

/** From the server, or, when it does not tell, those of the rows that are here. */
function AllFields() {
  const wanted = useSignal('');
  const known = fields.value;
  const hasRows = rowCount.value > 0;
  const shown = useMemo(() => {
    if (known.length > 0)
      return known.map(({ name, share, kind }) => ({ name, share, kind })).sort((a, b) => b.share - a.share);
    const names = new Set<string>();
    for (const hit of rows.hits.slice(0, 200))
      for (const { queryName } of fieldsOf(hit)) names.add(columnName(queryName));
    return [...names].sort().map((name) => ({ name, share: undefined, kind: '' }));
  }, [known, generation.value, hasRows]);
  const text = wanted.value.toLowerCase();
  // A field that no event has is there for who looks for it.
  const matching = shown
    .filter(({ name, share }) => name.toLowerCase().includes(text) && (text !== '' || share !== 0))
    .slice(0, 300);
  return (
    <section class="all-fields">
      <h3>{t('fields.all', { count: countText(shown.length, manner.value) })}</h3>
      <input
        type="search"
        aria-label={t('fields.search')}
        placeholder={t('fields.search')}
        value={wanted.value}
        onInput={(event) => (wanted.value = event.currentTarget.value)}
      />
      <ul>
        {matching.map(({ name, share, kind }) => (
          <li key={name}>
            <label title={kind}>
              <input
                type="checkbox"
                checked={columns.value.includes(name)}
                onChange={() => toggleColumn(name)}
              />
              <span class="name">{name}</span>
            </label>
            {share !== undefined && <span class="muted share">{percentText(share, manner.value)}</span>}
            {hasFacets.value && (
              <button
                type="button"
                class={`pin${facetNames.value.includes(name) ? ' on' : ''}`}
                aria-pressed={facetNames.value.includes(name)}
                aria-label={t('facets.toggle', { name })}
                title={t('facets.toggle', { name })}
                onClick={() => toggleFacet(name)}
              >
                <Icon name="fields" />
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
