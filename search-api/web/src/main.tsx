import { effect } from '@preact/signals';
import { render } from 'preact';
import './style/base.css';
import './style/shell.css';
import './style/overlay.css';
import './style/query.css';
import './style/list.css';
import './style/details.css';
import './style/panes.css';
import './style/fields.css';
import './style/table.css';
import './style/views.css';
import './style/kept.css';
import './style/small.css';
import { App } from './app.tsx';
import { bindKeys, focusQuery } from './shell/keys.ts';
import { applyTheme } from './shell/theme.ts';
import { runFacets } from './state/facets.ts';
import { runHistogram } from './state/histogram.ts';
import { readMe } from './state/me.ts';
import { runSearch } from './state/search.ts';
import { watchStatus } from './state/status.ts';
import { onQuestion, view } from './state/view.ts';
import { language } from './words/words.ts';

effect(applyTheme);
effect(() => {
  document.documentElement.lang = language.value;
});
effect(() => {
  const { q } = view.value;
  document.title = q === '' ? 'Millrace' : `${q} · Millrace`;
});

function run(): void {
  runSearch();
  // Counts name fields, and some may be hidden from who asks.
  void known.then(() => {
    void runHistogram();
    void runFacets();
  });
}

const known = readMe();
onQuestion(run);
run();
void watchStatus();
bindKeys();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
if (view.value.q === '' && matchMedia('(pointer: fine)').matches) focusQuery();
