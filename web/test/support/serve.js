// A node for tests: the module's other role, behind a WebSocket server on loopback.
import { WebSocketServer } from 'ws';

import { Host } from '../../../build-web/module/host.js';
import { instantiate } from '../../../build-web/module/module.js';
import { Session } from '../../../build-web/module/session.js';

/** Serves until close(); `onSession` is told each session before its first stream. */
export async function serve(seed, { port = 0, onSession, identity } = {}) {
  const module = await instantiate();
  const sessions = [];
  let isPaused = false;
  // `onNext`, if set, is told the next session, once.
  const node = { onNext: undefined };
  const host = new Host(module, {
    accepted(number) {
      const session = new Session(host, number);
      session.onEnded = () => host.removeSession(number);
      sessions.push(session);
      onSession?.(session);
      const { onNext } = node;
      node.onNext = undefined;
      if (onNext !== undefined) queueMicrotask(() => onNext(session));
      return session;
    },
  }, identity);
  host.engine.addSeed(seed);
  const server = new WebSocketServer({
    host: '127.0.0.1', port, path: '/stt', handleProtocols: () => 'stt.v1',
    maxPayload: 131_072, perMessageDeflate: false, verifyClient: () => !isPaused,
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const largest = { first: 0, any: 0 };
  server.on('connection', (socket) => {
    let isFirst = true;
    socket.on('message', (data) => {
      if (isFirst) largest.first = Math.max(largest.first, data.byteLength ?? data.length);
      isFirst = false;
      largest.any = Math.max(largest.any, data.byteLength ?? data.length);
    });
    host.addSocket(socket);
  });
  Object.assign(node, {
    url: `ws://127.0.0.1:${server.address().port}/stt`,
    port: server.address().port,
    sessions,
    module,
    host,
    largest,
    /** Ends every TCP connection without a word. */
    cut() {
      for (const socket of server.clients) socket.terminate();
    },
    /** The same, and takes no new ones until resume(). */
    pause() {
      isPaused = true;
      this.cut();
    },
    resume() {
      isPaused = false;
    },
    /** Nothing comes or goes by the WebSockets of now any more; they stay open. */
    freeze() {
      for (const socket of server.clients) {
        socket.pause();
        socket.send = () => {};
      }
    },
    /** As if its process had been killed. */
    vanish() {
      for (const session of sessions) session.end({ cause: 'lost', code: 8, reason: '' });
      host.dispose();
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
    async close() {
      for (const session of sessions) session.close();
      host.disposeWhenSent();
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return node;
}
