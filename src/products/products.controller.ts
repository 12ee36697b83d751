import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentPrincipal, Public, Roles } from '../access/access.decorators';
import type { Principal } from '../access/principal';
import { ApiProblem } from '../errors/problem';
import { ApiId, ParseIdPipe } from '../http/pipes/parse-id.pipe';
import {
  AdjustStockRequest,
  CreateProductRequest,
  ProductListResponse,
  ProductResponse,
  ProductsQuery,
  UpdateProductRequest,
} from './product.dto';
import { ProductsService } from './products.service';

@ApiTags('Products')
@Controller('products')
export class ProductsController {
  constructor(private readonly products: ProductsService) {}

  @Get()
  @Public()
  @ApiOperation({ summary: 'List products', description: 'By id, with filters.' })
  @ApiOkResponse({ type: ProductListResponse })
  @ApiProblem(400, 'A query parameter is unknown or cannot be accepted.')
  list(@Query() query: ProductsQuery): Promise<ProductListResponse> {
    return this.products.list(query);
  }

  @Get(':id')
  @Public()
  @ApiId('The product.')
  @ApiOperation({ summary: 'Get a product', description: 'With its stock as it is now.' })
  @ApiOkResponse({ type: ProductResponse })
  @ApiProblem(404, 'There is no such product.')
  get(@Param('id', ParseIdPipe) id: number): Promise<ProductResponse> {
    return this.products.get(id);
  }

  @Post()
  @Roles('admin')
  @ApiOperation({ summary: 'Create a product', description: 'Its first stock is a line of the ledger like any other.' })
  @ApiCreatedResponse({ type: ProductResponse })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(409, 'The SKU is taken.', 'SKU_TAKEN')
  async create(
    @Body() request: CreateProductRequest,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProductResponse> {
    const product = await this.products.create(request, principal);
    reply.header('location', `/api/v1/products/${product.id}`);
    return product;
  }

  @Patch(':id')
  @Roles('admin')
  @ApiId('The product.')
  @ApiOperation({
    summary: 'Edit a product',
    description: 'Orders that were placed keep the name and price they copied.',
  })
  @ApiOkResponse({ type: ProductResponse })
  @ApiProblem(400, 'A field cannot be accepted.')
  @ApiProblem(404, 'There is no such product.')
  @ApiProblem(409, 'The SKU is taken.', 'SKU_TAKEN')
  update(@Param('id', ParseIdPipe) id: number, @Body() request: UpdateProductRequest): Promise<ProductResponse> {
    return this.products.update(id, request);
  }

  @Post(':id/stock')
  @Roles('admin')
  @HttpCode(200)
  @ApiId('The product.')
  @ApiOperation({
    summary: 'Adjust stock',
    description: 'Adds to or takes from the pieces on hand; kept in the ledger.',
  })
  @ApiOkResponse({ type: ProductResponse })
  @ApiProblem(400, 'A field is missing or cannot be accepted.')
  @ApiProblem(404, 'There is no such product.')
  @ApiProblem(409, 'Fewer pieces would be left than are reserved.', 'INSUFFICIENT_STOCK')
  adjustStock(
    @Param('id', ParseIdPipe) id: number,
    @Body() request: AdjustStockRequest,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ProductResponse> {
    return this.products.adjustStock(id, request, principal);
  }
}
