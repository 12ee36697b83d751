import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** The OpenAPI document of everything that this service answers to. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('Order management')
    .setDescription('Orders, honest stock and background processing. Money is in cents, times are UTC.')
    .setVersion('1.0')
    .addBearerAuth()
    .addBasicAuth()
    .addOAuth2({ type: 'oauth2', flows: { password: { tokenUrl: '/api/v1/auth/token', scopes: {} } } })
    .build();
  return SwaggerModule.createDocument(app, info, {
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '').toLowerCase()}_${method}`,
  });
}

/** Serves Swagger UI at `/docs` and the document at `/openapi.json`. */
export function mountDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Order management API',
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true },
  });
}
