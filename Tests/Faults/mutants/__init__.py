"""Mistakes that the harness must catch. (The registry; each kind is a module beside this one.)"""
MUTANTS = {}
