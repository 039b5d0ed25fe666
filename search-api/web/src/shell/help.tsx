import { type Key, t } from '../words/words.ts';
import { Dialog } from './dialog.tsx';
import { bindings } from './keys.ts';
import { closePanel } from './panels.ts';

const keyNames: Record<string, string> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  Escape: 'Esc',
  ' ': 'Space',
  PageDown: 'PgDn',
  PageUp: 'PgUp',
};

const syntax: [string, Key][] = [
  ['timeout connection', 'syntax.both'],
  ['"connection refused"', 'syntax.phrase'],
  ['error OR warn', 'syntax.either'],
  ['error -healthcheck', 'syntax.without'],
  ['conn* t?me*', 'syntax.wild'],
  ['level:error host:web-3', 'syntax.fields'],
  ['status:[500 TO 599]', 'syntax.range'],
  ['_exists_:trace.id', 'syntax.exists'],
  ['/time(d|out)/', 'syntax.regex'],
  ['status:5xx | count by host', 'syntax.count'],
  ['* | timechart 1m by level', 'syntax.timechart'],
];

export function HelpDialog() {
  return (
    <Dialog title={t('help.title')} close={closePanel} wide>
      <div class="columns">
        <dl class="keys">
          {bindings.map(({ keys, word }) => (
            <div key={word}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{keyNames[key] ?? key}</kbd>
                ))}
              </dt>
              <dd>{t(word)}</dd>
            </div>
          ))}
        </dl>
        <dl class="syntax">
          {syntax.map(([example, word]) => (
            <div key={example}>
              <dt>
                <code>{example}</code>
              </dt>
              <dd>{t(word)}</dd>
            </div>
          ))}
          <div>
            <dt>{t('syntax.brush')}</dt>
            <dd>{t('syntax.brushText')}</dd>
          </div>
        </dl>
      </div>
    </Dialog>
  );
}
