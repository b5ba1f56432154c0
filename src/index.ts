/** What the package offers to programs: help for clients. The gateway itself is started from the command line. */

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
