/** `GET /healthz`: the process responds. `GET /readyz`: the database is usable and the process is not stopping. */

import type { Store } from '../../store/store';
import { sendResponse } from '../io/response';
import type { Route } from '../io/router';

export function healthRoutes(
  store: Pick<Store, 'assertReady'>,
  isStopping: () => boolean,
): readonly Route[] {
  return [
    {
      path: '/healthz',
      methods: {
        GET: ({ request, response }) =>
          sendResponse(request, response, { status: 200, body: '{"status":"ok"}' }),
      },
    },
    {
      path: '/readyz',
      methods: {
        async GET({ request, response }) {
          if (isStopping()) {
            return sendResponse(request, response, { status: 503, body: '{"status":"stopping"}' });
          }
          await store.assertReady();
          sendResponse(request, response, { status: 200, body: '{"status":"ready"}' });
        },
      },
    },
  ];
}
