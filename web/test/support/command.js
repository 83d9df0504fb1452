// The command as it is: nodes for the page and for other implementations of WebSocket.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
export const command = process.env.STT ?? join(root, 'build/stt');
export const pageFolder = join(root, 'build-web/app');
export const screenshotFolder = join(root, 'build-web/screenshots');

/** A folder that goes away with the test that took it. */
export async function temporaryFolder(context) {
  const folder = await mkdtemp(join(tmpdir(), 'stt-page-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function newSeed(folder, name = 'a.seed') {
  const path = join(folder, name);
  const made = spawnSync(command, ['seed', 'new', path], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`stt seed new: ${made.stderr}`);
  return path;
}

/** A seed, an inbox, and files of random bytes with these sizes. */
export async function prepare(context, files = {}) {
  const folder = await temporaryFolder(context);
  const seed = newSeed(folder);
  const inbox = join(folder, 'inbox');
  await mkdir(inbox);
  const paths = {};
  for (const [name, size] of Object.entries(files)) {
    paths[name] = join(folder, name);
    await writeFile(paths[name], randomBytes(size));
  }
  return { folder, seed, inbox, paths };
}

/** The command from start to end; its status and output. */
export async function run(context, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  context.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const status = await new Promise((resolve) => child.once('close', resolve));
  return { status, output };
}

/** Resolves when `pattern` was said, with its match; rejects with all output when it never is. */
function start(context, args, pattern) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  const end = async (signal) => {
    child.kill(signal);
    await ended;
  };
  const stop = () => end('SIGTERM');
  /** Without a word to anybody. */
  const kill = () => end('SIGKILL');
  context.after(stop);
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`stt ${args[0]} said only: ${output}`));
    const timer = setTimeout(fail, 10_000);
    const take = (data) => {
      output += data;
      const match = pattern.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      resolve({ match, stop, kill, output: () => output });
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    ended.then((code) => reject(new Error(`stt ${args[0]} ended with ${code}: ${output}`)));
  });
}

/** `stt web`; `url` is the page's. */
export async function serveWeb(context, { seed, inbox, port = 0, share = [], options = [] }) {
  const args = [
    'web', '--seed', seed, '--listen', `127.0.0.1:${port}`, '--udp', 'off',
    '--assets', pageFolder,
    ...share.flatMap((path) => ['--share', path]), ...options, inbox,
  ];
  const { match, ...node } = await start(context, args, /http:\/\/127\.0\.0\.1:(\d+)\//);
  return { ...node, url: match[0], port: Number(match[1]) };
}

/** `stt receive` that pages of `origin` may use; `url` is of its WebSocket. */
export async function serveReceive(context, { seed, inbox, origin }) {
  const args = [
    'receive', '--seed', seed, '--listen', 'off', '--websocket', '127.0.0.1:0',
    ...(origin === undefined ? [] : ['--origin', origin]), inbox,
  ];
  const pattern = /ws:\/\/(127\.0\.0\.1:\d+)/;
  const { match, ...node } = await start(context, args, pattern);
  return { ...node, url: `ws://${match[1]}/stt` };
}
