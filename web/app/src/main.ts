// The page: a node's files and live streams, by STT in the browser.
import { loadModule } from '../../src/index.js';
import { ConnectForm } from './connect_form.js';
import { announce, byId, setText } from './elements.js';
import { messageOf } from './format.js';
import { Link, type LinkState } from './link.js';
import { LivePanel } from './live_panel.js';
import { ReceivePanel } from './receive_panel.js';
import { SendPanel } from './send_panel.js';
import { StatisticsPanel } from './statistics_panel.js';

const STATE_WORDS = {
  idle: 'Not connected',
  connecting: 'Connecting…',
  connected: 'Connected by WebSocket',
  reconnecting: 'Reconnecting…',
  closed: 'Closed',
};

/** What is of no use without a session. */
const OF_SESSION = [
  'choose-files', 'choose-folder', 'get-shared', 'sources', 'chat-text', 'chat-send',
];

const link = new Link();
const form = new ConnectForm();
const receiving = new ReceivePanel(link);
const statistics = new StatisticsPanel(link);
const live = new LivePanel(link);
new SendPanel(link);

const workspace = byId('workspace', HTMLDivElement);
const nodeName = byId('node-name', HTMLParagraphElement);
const disconnect = byId('disconnect', HTMLButtonElement);
const closed = byId('closed', HTMLParagraphElement);
const connectAgain = byId('connect-again', HTMLButtonElement);

link.onSession = (session) => {
  statistics.begin();
  receiving.serve(session);
  live.join(session);
};
link.onState = (state) => {
  const badge = byId('state', HTMLParagraphElement);
  badge.dataset['kind'] = state.kind;
  setText(byId('state-text', HTMLSpanElement), STATE_WORDS[state.kind]);
  workspace.dataset['kind'] = state.kind;
  disconnect.hidden = !link.isOpen;
  for (const id of OF_SESSION) byId(id, HTMLElement).toggleAttribute('disabled', !link.isOpen);
  closed.hidden = state.kind !== 'closed';
  if (state.kind === 'closed') showClosed(state);
};

function showClosed(state: LinkState & { kind: 'closed' }): void {
  live.leave();
  setText(byId('closed-text', HTMLSpanElement), state.why);
  connectAgain.focus();
}

form.onConnect = async (address, seed) => {
  await link.connect(address, seed);
  form.hide();
  workspace.hidden = false;
  nodeName.hidden = false;
  setText(nodeName, new URL(address).host);
  announce(`Connected to ${new URL(address).host}`);
  byId('choose-files', HTMLButtonElement).focus();
};
form.onCancel = () => link.cancel();
disconnect.addEventListener('click', () => void link.disconnect());
connectAgain.addEventListener('click', () => {
  workspace.hidden = true;
  nodeName.hidden = true;
  form.show();
});

// What is under way would be lost.
addEventListener('beforeunload', (event) => {
  const isBusy = document.querySelector('[data-state="running"], [data-state="waiting"]') !== null;
  if (link.isOpen && isBusy) event.preventDefault();
});

loadModule().then(() => form.restore(), (error: unknown) => {
  setText(
    byId('entry-error', HTMLParagraphElement),
    `This browser cannot run the page: ${messageOf(error)}`);
});
