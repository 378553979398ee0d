"""A real browser for pages whose scripts list the pictures, in a process that can be killed.

Only that process knows Playwright (`pip install image_assets[browser]`) and Chromium.
"""
