import { readFile } from 'node:fs/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../config/load';
import { openApiDocument } from './document';

/**
 * What the pages may load: our own files and nothing else, so that they work without the internet and tell nobody. Both
 * tools style inline; ReDoc searches in a worker that it makes itself.
 */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'";

/** Hides what means nothing here: the banner, links between operations, and the client fields of a log-in by user name and password. */
const SWAGGER_CSS = `
  .swagger-ui .topbar, .swagger-ui .response-col_links, .auth-container .scope-def,
  .auth-container .wrapper:has(> [for=password_type]),
  .auth-container .wrapper:has(> [for^=client_][for$=_password]) { display: none }`;

const REDOC_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Order management API</title><link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body style="margin: 0"><redoc spec-url="/openapi.json"></redoc><script src="/redoc/redoc.standalone.js"></script></body>
</html>`;

/** Serves Swagger UI at `/docs`, ReDoc at `/redoc` and the document at `/openapi.json`. */
export function mountDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Order management API',
    customCss: SWAGGER_CSS,
    swaggerOptions: {
      // Swagger UI would keep the password next to the token in `localStorage`: both end with the tab instead.
      persistAuthorization: false,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
    },
  });
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const bundle = redocBundle();
  server.get('/redoc', (_, reply) => reply.type('text/html').send(REDOC_PAGE));
  server.get('/redoc/redoc.standalone.js', async (_, reply) => {
    // Read for each of the few who ask for it, rather than kept in memory: it is 2 MB. Without the picture from elsewhere.
    const code = await readFile(bundle, 'utf8');
    return reply
      .type('text/javascript')
      .send(code.replace('https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:image/svg+xml,'));
  });
  server.addHook('onRequest', async ({ routeOptions }, reply) => {
    if (/^\/(docs|redoc)\b/.test(routeOptions.url ?? '')) reply.header('content-security-policy', POLICY);
  });
}

/** The file that ReDoc is. Errors: ConfigError when it is not installed. */
function redocBundle(): string {
  try {
    return require.resolve('redoc/bundles/redoc.standalone.js');
  } catch {
    throw new ConfigError(
      'DOCS_ENABLED needs redoc, a development dependency; the Dockerfile copies what is needed of it',
    );
  }
}
