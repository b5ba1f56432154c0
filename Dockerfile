# Production image: no build tools, no root. The gateway writes only to DATA_DIR, so the root file system can be read-only, with a
# tmpfs on /tmp.

FROM node:24-bookworm AS build
WORKDIR /app
COPY . .
# `npm ci` also builds (`prepare`). `npm prune` then removes the development dependencies.
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/src/cli/launch.cjs ./src/cli/launch.cjs
RUN install -d -o node -g node -m 700 /data
VOLUME /data
USER node
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/cli/main.js", "start"]
