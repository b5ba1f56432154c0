/** Exports of the package: helpers for clients. The command line starts the gateway. */

export { iterateFromCursor } from './client/iterate-from-cursor';
export {
  type Result,
  type ResumableRequest,
  type ResumeOptions,
  retryUnlessRefused,
  type Sink,
  type SubscribingClient,
  subscribeFromCursor,
} from './client/subscribe-from-cursor';
