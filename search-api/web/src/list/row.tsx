import { Component } from 'preact';
import type { Hit } from '../api/types.ts';
import { clockTime, dayText, type Manner } from '../time/format.ts';
import { excerptOf } from './marked.tsx';
import { badgeOf, fieldValue, textOf } from './values.ts';

interface RowProps {
  hit: Hit;
  id: string;
  index: number;
  active: boolean;
  open: boolean;
  columns: readonly string[];
  withDay: boolean;
  manner: Manner;
  /** The event that the list is about. */
  chosen: boolean;
}

/** A folded event. Few elements, and none is touched while nothing about it changes: 60 frames a second. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    for (const name of Object.keys(next) as (keyof RowProps)[])
      if (next[name] !== this.props[name]) return true;
    return false;
  }

  override render({ hit, id, index, active, open, columns, withDay, manner, chosen }: RowProps) {
    const badge = badgeOf(hit);
    const state = `${active ? ' active' : ''}${open ? ' open' : ''}${chosen ? ' chosen' : ''}`;
    return (
      <div
        class={`row ${badge.tone}${state}`}
        role="row"
        aria-level={1}
        id={id}
        data-index={index}
        aria-rowindex={index + 2}
        aria-selected={active}
        aria-expanded={open}
      >
        <span role="gridcell" class="time">
          {withDay && <i>{dayText(hit['@timestamp'], manner)} </i>}
          {clockTime(hit['@timestamp'], manner)}
        </span>
        <span role="gridcell" class="level">
          {badge.text !== '' && (
            <b
              data-field={hit.level === undefined ? 'http.response.status_code' : 'log.level'}
              data-value={badge.text}
            >
              {badge.text}
            </b>
          )}
        </span>
        {columns.map((name) => {
          const value = fieldValue(hit, name);
          const text = textOf(value);
          // No one condition asks for a list or an object.
          const canFilter = typeof value !== 'object' && text.length <= 256;
          return (
            <span key={name} role="gridcell" class="column">
              {text !== '' && (
                <b data-field={name} data-value={canFilter ? text : undefined}>
                  {text.slice(0, 200)}
                </b>
              )}
            </span>
          );
        })}
        <span role="gridcell" class="text">
          {excerptOf(hit.message, hit.highlight)}
        </span>
      </div>
    );
  }
}
