// What `vite.config.ts` makes of a page of the book.

declare module "*.md" {
  const html: string;
  export default html;
}
