/**
 * STT in the browser: authenticated, encrypted streams to a node over WebSocket.
 *
 * ```js
 * import { connect, parseSeed } from 'stt-web';
 *
 * const seed = await parseSeed(text); // what `stt seed show` prints
 * const session = await connect('wss://example.org/stt', seed);
 * const stream = await session.openStream('echo');
 * ```
 *
 * All protocol and cryptography is the C++ engine of the native node, compiled to WebAssembly.
 *
 * @packageDocumentation
 */
export { connect, type ConnectOptions, type WebSocketConstructor } from './connect.js';
export { SttError, type SttErrorCode } from './errors.js';
export { measureFolding, type FoldSpeed } from './bench.js';
export { loadModule, type ModuleSource } from './module.js';
export { parseSeed } from './seed.js';
export {
  Session, type CloseInfo, type IncomingStream, type MessageOptions, type Reconnected,
  type SessionEvents, type StreamHandler, type StreamOptions, type StreamProgress,
} from './session.js';
export type { StreamKind } from './engine.js';
export type { Statistics } from './statistics.js';
export { MessageStream, Stream, type MessageKind, type SendOptions } from './stream.js';
export {
  receiveFiles, sendFiles, TRANSFER_ENDPOINT, type FileFailure, type NamedBlob, type ReceivedFile,
  type ReceiveFilesOptions, type ReceiveResult, type SendFilesOptions, type SendResult,
} from './transfer.js';
export { directorySink, memorySink, type FileOffer, type FileSink } from './sink.js';
export type { TransferProgress } from './transfer_engine.js';
