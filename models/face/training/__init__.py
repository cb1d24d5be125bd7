"""What training needs beside the command itself."""
