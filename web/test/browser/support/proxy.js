// A network between the page and its node that can be cut.
import { connect, createServer } from 'node:net';

export async function startProxy(context, targetPort) {
  const sockets = new Set();
  const forget = (socket) => () => sockets.delete(socket);
  let isCut = false;
  let carried = 0;
  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(targetPort, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {}).on('close', forget(socket));
    }
    near.on('data', (data) => {
      carried += data.length;
    });
    near.pipe(far).on('close', () => near.destroy());
    far.pipe(near).on('close', () => far.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  context.after(() => {
    cut();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    /** Bytes of the page so far. */
    carried: () => carried,
    cut,
    restore() {
      isCut = false;
    },
  };
}
