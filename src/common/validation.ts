import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { type FieldError, validationFailed } from './domain-error';

/** Validates bodies and queries against their DTO: unknown fields are refused, nothing is coerced. */
export const validationPipe = () =>
  new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    transform: true,
    exceptionFactory: (errors) => validationFailed(flatten(errors)),
  });

/** Nested validation errors as a flat list of `items.0.quantity`-like paths. */
function flatten(errors: ValidationError[], prefix = ''): FieldError[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const field = `${prefix}${property}`;
    const messages = Object.entries(constraints).map(([rule, message]) => ({
      field,
      message: rule === 'whitelistValidation' ? 'is not a known field' : message,
    }));
    return [...messages, ...flatten(children, `${field}.`)];
  });
}
