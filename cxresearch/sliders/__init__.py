"""What if a value were another: sliders for two answers, on a page and in JupyterLab."""
