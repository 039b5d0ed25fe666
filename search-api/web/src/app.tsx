import { useSignal } from '@preact/signals';
import { HistogramChart } from './chart/histogram.tsx';
import { StatsDialog } from './fields/stats.tsx';
import { AlertsPane } from './panes/alerts.tsx';
import { ComparePane } from './panes/compare.tsx';
import { ContextDialog } from './panes/context.tsx';
import { EventsPane } from './panes/events.tsx';
import { ExportDialog } from './panes/export.tsx';
import { PatternsPane } from './panes/patterns.tsx';
import { SavedDialog } from './panes/saved.tsx';
import { TailPane } from './panes/tail.tsx';
import { toast } from './shell/actions.ts';
import { Bar } from './shell/bar.tsx';
import { Header } from './shell/header.tsx';
import { HelpDialog } from './shell/help.tsx';
import { Notices } from './shell/notices.tsx';
import { panel } from './shell/panels.ts';
import { ValueMenu } from './shell/value-menu.tsx';
import { histogram, histogramFailed } from './state/histogram.ts';
import { keep, readKept } from './state/kept.ts';
import { view } from './state/view.ts';
import { t } from './words/words.ts';

const kept = 'millrace.sidebar';

export function App() {
  const sidebar = useSignal(innerWidth > 1000 && readKept(kept) !== 'closed');
  const toggleSidebar = () => {
    sidebar.value = !sidebar.value;
    keep(kept, sidebar.value ? 'open' : 'closed');
  };
  const { tab, live } = view.value;
  const withChart = !live && tab !== 'alerts' && !histogramFailed.value;
  return (
    <>
      <a class="skip" href="#results">
        {t('skip')}
      </a>
      <Header />
      <Bar sidebar={sidebar.value} toggleSidebar={toggleSidebar} />
      <main id="results" tabIndex={-1}>
        <Notices />
        {withChart && (histogram.value === undefined ? <div class="histogram" /> : <HistogramChart />)}
        {tab === 'events' &&
          (live ? <TailPane /> : <EventsPane sidebar={sidebar.value} closeSidebar={toggleSidebar} />)}
        {tab === 'patterns' && <PatternsPane />}
        {tab === 'compare' && <ComparePane />}
        {tab === 'alerts' && <AlertsPane />}
      </main>
      {panel.value === 'help' && <HelpDialog />}
      {panel.value === 'saved' && <SavedDialog />}
      {panel.value === 'export' && <ExportDialog />}
      <ContextDialog />
      <StatsDialog />
      <ValueMenu />
      <Toast />
    </>
  );
}

function Toast() {
  return (
    <div class="toast-place" aria-live="polite">
      {toast.value !== '' && <p class="toast">{toast.value}</p>}
    </div>
  );
}
