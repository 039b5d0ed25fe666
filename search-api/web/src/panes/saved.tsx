import { useSignal } from '@preact/signals';
import { sendJson } from '../api/client.ts';
import type { Saved, SavedContent } from '../api/types.ts';
import { Dialog } from '../shell/dialog.tsx';
import { closePanel } from '../shell/panels.ts';
import { tabs } from '../state/address.ts';
import { may } from '../state/me.ts';
import { go, view } from '../state/view.ts';
import { fullTime } from '../time/format.ts';
import { rangeName } from '../time/picker.tsx';
import { manner, t } from '../words/words.ts';
import { Answered } from './answer.tsx';
import { type Change, DeleteButton, Problem, useKept } from './kept.tsx';

const path = 'api/v1/saved';

/** Searches that people keep: opened, saved, renamed, deleted. */
export function SavedDialog() {
  const wanted = useSignal('');
  const { answer, problem, change } = useKept<{ saved: Saved[] }>(path);
  return (
    <Dialog title={t('saved.title')} close={closePanel} wide>
      {may('save') && (
        <SaveForm
          save={(name) => void change(sendJson('POST', path, contentOf(name)), t('saved.done', { name }))}
        />
      )}
      <Problem text={problem} />
      <Answered answer={answer}>
        {({ saved }) => (
          <>
            {saved.length > 8 && (
              <input
                type="search"
                class="saved-search"
                aria-label={t('saved.find')}
                placeholder={t('saved.find')}
                value={wanted.value}
                onInput={(event) => {
                  wanted.value = event.currentTarget.value;
                }}
              />
            )}
            {saved.length === 0 && <p class="muted">{t('saved.none')}</p>}
            <ul class="saved">
              {saved
                .filter(({ name, q }) => `${name} ${q}`.toLowerCase().includes(wanted.value.toLowerCase()))
                .map((item) => (
                  <SavedItem key={item.id} item={item} change={change} />
                ))}
            </ul>
          </>
        )}
      </Answered>
    </Dialog>
  );
}

function SaveForm({ save }: { save: (name: string) => void }) {
  const name = useSignal('');
  return (
    <form
      class="save-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.value.trim() === '') return;
        save(name.value.trim());
        name.value = '';
      }}
    >
      <input
        aria-label={t('saved.name')}
        placeholder={t('saved.name')}
        maxLength={200}
        value={name.value}
        onInput={(event) => {
          name.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="primary">
        {t('saved.save')}
      </button>
    </form>
  );
}

interface ItemProps {
  item: Saved;
  change: Change;
}

function SavedItem({ item, change }: ItemProps) {
  const renaming = useSignal<string | undefined>(undefined);
  const { id, name, q, from, to, owner, updated } = item;
  const rename = (event: Event) => {
    event.preventDefault();
    const wanted = renaming.value?.trim() ?? '';
    renaming.value = undefined;
    if (wanted !== '' && wanted !== name)
      void change(
        sendJson('PUT', `${path}/${id}`, { ...savedContent(item), name: wanted }),
        t('saved.renamed'),
      );
  };
  return (
    <li>
      {renaming.value === undefined ? (
        <button type="button" class="saved-open" onClick={() => open(item)}>
          <b>{name}</b>
          <code>{q === '' ? '*' : q}</code>
          <span class="muted">
            {rangeName({ from, to })} · {owner.replace(/^\w+:/, '')} · {fullTime(updated, manner.value)}
          </span>
        </button>
      ) : (
        <form class="save-form" onSubmit={rename}>
          <input
            aria-label={t('saved.name')}
            value={renaming.value}
            maxLength={200}
            onInput={(event) => {
              renaming.value = event.currentTarget.value;
            }}
          />
          <button type="submit">{t('saved.rename')}</button>
        </form>
      )}
      {may('save') && (
        <div class="saved-tools">
          <button
            type="button"
            aria-label={t('saved.renameOf', { name })}
            onClick={() => {
              renaming.value = renaming.value === undefined ? name : undefined;
            }}
          >
            {t('saved.rename')}
          </button>
          <DeleteButton path={`${path}/${id}`} name={name} change={change} />
        </div>
      )}
    </li>
  );
}

function open(item: Saved): void {
  const { q, from, to, stream, source, columns, view: kept } = item;
  closePanel();
  go({
    q,
    from,
    to,
    stream: stream ?? '',
    source: source ?? 'auto',
    columns,
    sort: kept?.sort === 'asc' ? 'asc' : 'desc',
    tab: tabs.find((name) => name === kept?.tab) ?? 'events',
    live: false,
  });
}

function contentOf(name: string): SavedContent {
  const { q, from, to, stream, source, columns, sort, tab } = view.peek();
  return {
    name,
    q,
    from,
    to,
    ...(stream === '' ? {} : { stream }),
    ...(source === 'auto' ? {} : { source }),
    ...(columns === undefined ? {} : { columns: [...columns] }),
    view: { sort, tab },
  };
}

/** Without what the server keeps about it. */
function savedContent({
  id: _id,
  owner: _owner,
  updated: _updated,
  version: _version,
  ...content
}: Saved): SavedContent {
  return content;
}
