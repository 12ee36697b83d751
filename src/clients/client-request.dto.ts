import { TextField } from '../http/dto/fields';

export class CreateClientRequest {
  @TextField({ description: 'Name, kept in the history of what it does.', max: 100, example: 'Warehouse' })
  name!: string;
}
